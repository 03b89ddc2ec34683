import * as v from 'valibot';

/** Kinds of values that a variable of the environment can have, each with the words that refuse another one. */

export const number = (fallback: number, least: number, most: number) =>
  v.pipe(
    v.optional(v.string(), String(fallback)),
    v.regex(/^\d{1,12}$/, 'is a whole number'),
    v.transform(Number),
    v.minValue(least, `is at least ${String(least)}`),
    v.maxValue(most, `is at most ${String(most)}`),
  );

export const host = (fallback: string) =>
  v.pipe(v.optional(v.string(), fallback), v.regex(/^[0-9A-Za-z.:_-]+$/, 'is a host name or an address'));

/** Where a server stands, without path or password; becomes an origin. */
export const origin = () => {
  const what = 'is an address such as https://chat.example.org, without a path';
  return v.optional(
    v.pipe(
      v.string(),
      v.check((value) => URL.canParse(value) && isOrigin(new URL(value)), what),
      v.transform((value) => new URL(value).origin),
    ),
  );
};

const isOrigin = ({ protocol, username, password, pathname, search, hash }: URL): boolean =>
  /^https?:$/.test(protocol) && pathname === '/' && username + password + search + hash === '';

/** Several in one variable: split at commas, empty parts left out. */
export const list = (pattern: RegExp, what: string) =>
  v.pipe(
    v.optional(v.string(), ''),
    v.transform((value) => value.split(',').map((each) => each.trim())),
    v.transform((parts) => parts.filter((each) => each !== '')),
    v.array(v.pipe(v.string(), v.regex(pattern, what))),
  );

const parsed = v.rawTransform<string, unknown>(({ dataset, addIssue, NEVER }) => {
  try {
    return JSON.parse(dataset.value) as unknown;
  } catch {
    addIssue({ message: 'is not JSON' });
    return NEVER;
  }
});

const iceUrl = v.pipe(
  v.string('needs "urls"'),
  v.regex(/^(stuns?|turns?):[^\s]+$/, 'each of "urls" begins with stun:, stuns:, turn: or turns:'),
);

export type IceServer = { urls: string | string[]; username?: string; credential?: string };

/** As `RTCConfiguration` has it. */
export const iceServers = () =>
  v.pipe(
    v.optional(v.string(), '[]'),
    parsed,
    v.array(
      v.strictObject({
        urls: v.union([iceUrl, v.array(iceUrl)], 'each of "urls" begins with stun:, stuns:, turn: or turns:'),
        username: v.exactOptional(v.string()),
        credential: v.exactOptional(v.string()),
      }),
      'is a JSON list such as [{"urls":"stun:stun.example.org:3478"}]',
    ),
  );

import * as v from 'valibot';
import { MAX_NODES } from '#shared/directory/consensus.ts';
import { EXIT_CONFIG, StartError } from './start-error.ts';

const number = (fallback: number, least: number, most: number) =>
  v.pipe(
    v.optional(v.string(), String(fallback)),
    v.regex(/^\d{1,12}$/, 'is a whole number'),
    v.transform(Number),
    v.minValue(least, `is at least ${String(least)}`),
    v.maxValue(most, `is at most ${String(most)}`),
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
const iceServers = v.array(
  v.strictObject({
    urls: v.union([iceUrl, v.array(iceUrl)], 'each of "urls" begins with stun:, stuns:, turn: or turns:'),
    username: v.exactOptional(v.string()),
    credential: v.exactOptional(v.string()),
  }),
  'is a JSON list such as [{"urls":"stun:stun.example.org:3478"}]',
);

const MINUTE_MS = 60_000;

/** Every variable with its default and bounds. An empty one counts as not set. */
const schema = v.object({
  /** Port of HTTP and of WebSocket links; 0 takes a free one. */
  HG_PORT: number(8080, 0, 65_535),
  HG_HOST: v.pipe(
    v.optional(v.string(), '127.0.0.1'),
    v.regex(/^[0-9A-Za-z.:_-]+$/, 'is a host name or an address'),
  ),
  /** Where the keys and the archive live. */
  HG_DATA_DIR: v.optional(v.string(), './data'),
  /** The built app. */
  HG_WEB_DIR: v.optional(v.string(), './dist/web'),
  /** Headless relays that `npm start` runs beside the server. */
  HG_LOCAL_RELAYS: number(6, 0, 64),
  HG_CONSENSUS_MS: number(MINUTE_MS, 100, 10 * MINUTE_MS),
  /** In a small network a change of members makes a consensus early, though at most one in this time. */
  HG_CONSENSUS_CHANGE_MS: number(2_000, 10, 10 * MINUTE_MS),
  HG_HEARTBEAT_TTL_MS: number(90_000, 100, 60 * MINUTE_MS),
  /** Nodes on a circuit to the directory, the directory included. */
  HG_DIRECTORY_HOPS: number(1, 1, 4),
  /** The longest random wait of a new node before it registers. */
  HG_REGISTRATION_DELAY_MS: number(0, 0, 5 * MINUTE_MS),
  HG_ICE_SERVERS: v.pipe(v.optional(v.string(), '[]'), parsed, iceServers),
  /** Which ICE candidates clients use: `loopback` keeps everything on one machine, as tests do. */
  HG_CANDIDATES: v.optional(v.picklist(['all', 'loopback'], 'is all or loopback'), 'all'),
  HG_MAX_LINKS: number(4_096, 1, 100_000),
  HG_MAX_NODES: number(MAX_NODES, 1, MAX_NODES),
  HG_MAX_DESCRIPTORS: number(100_000, 1, 100_000_000),
  HG_LOG_LEVEL: v.optional(
    v.picklist(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'is one of trace, debug, info, warn, error, fatal, silent',
    ),
    'info',
  ),
});

type Variables = v.InferOutput<typeof schema>;
type Variable = keyof Variables;

export type Candidates = 'all' | 'loopback';

export type IceServer = { urls: string | string[]; username?: string; credential?: string };

export type Config = {
  port: number;
  host: string;
  dataDir: string;
  webDir: string;
  localRelays: number;
  consensusMs: number;
  consensusChangeMs: number;
  heartbeatTtlMs: number;
  directoryHops: number;
  registrationDelayMs: number;
  iceServers: IceServer[];
  candidates: Candidates;
  maxLinks: number;
  maxNodes: number;
  maxDescriptors: number;
  logLevel: Variables['HG_LOG_LEVEL'];
};

/** Variables whose value is never repeated in a message. */
const secret: ReadonlySet<string> = new Set<Variable>(['HG_ICE_SERVERS']);

/** Throws a `StartError` whose message is a table of everything that is wrong. */
export const readConfig = (env: Record<string, string | undefined>): Config => {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = v.safeParse(schema, set);
  if (!result.success) throw new StartError(table(result.issues, set), EXIT_CONFIG);
  const of = result.output;
  return {
    port: of.HG_PORT,
    host: of.HG_HOST,
    dataDir: of.HG_DATA_DIR,
    webDir: of.HG_WEB_DIR,
    localRelays: of.HG_LOCAL_RELAYS,
    consensusMs: of.HG_CONSENSUS_MS,
    consensusChangeMs: of.HG_CONSENSUS_CHANGE_MS,
    heartbeatTtlMs: of.HG_HEARTBEAT_TTL_MS,
    directoryHops: of.HG_DIRECTORY_HOPS,
    registrationDelayMs: of.HG_REGISTRATION_DELAY_MS,
    iceServers: of.HG_ICE_SERVERS,
    candidates: of.HG_CANDIDATES,
    maxLinks: of.HG_MAX_LINKS,
    maxNodes: of.HG_MAX_NODES,
    maxDescriptors: of.HG_MAX_DESCRIPTORS,
    logLevel: of.HG_LOG_LEVEL,
  };
};

const table = (issues: v.BaseIssue<unknown>[], env: Record<string, string | undefined>): string => {
  const rows = issues.map((issue) => {
    const name = (issue.path?.[0] as v.ObjectPathItem | undefined)?.key ?? '';
    return [name, secret.has(name) ? '(hidden)' : (env[name] ?? ''), issue.message] as const;
  });
  const cells = [['Variable', 'Value', 'Problem'] as const, ...rows];
  const width = (column: 0 | 1): number => Math.max(...cells.map((row) => row[column].length));
  const lines = cells.map((row) => `  ${row[0].padEnd(width(0))}  ${row[1].padEnd(width(1))}  ${row[2]}`);
  return ['These settings cannot be used:', ...lines].join('\n');
};

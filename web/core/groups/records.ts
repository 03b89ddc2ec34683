import { equal, hex } from '#shared/bytes/bytes.ts';
import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  fixed,
  list,
  mapped,
  optional,
  struct,
  text,
  u64,
  u8,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { RemoteError } from '#shared/errors.ts';
import { MAX_NAME, MESSAGE_ID_LENGTH } from '#web/core/conversation/content.ts';
import { decodePast, encodePast } from '#web/core/conversation/group-messages.ts';
import { decodeMembers, samePlace } from '#web/core/conversation/membership.ts';
import { encodeGroup } from '#web/core/conversation/mls.ts';
import { MAX_MEMBERS, timerCodec, type ThreadState } from '#web/core/conversation/records.ts';
import {
  GROUP_ID_LENGTH,
  MAX_PROPOSAL,
  MAX_OPEN,
  MAX_PROPOSALS,
  placeCodec,
} from '#web/core/groups/packets.ts';

/**
 * What is kept of a group: in `groups` one record of what is true now, one for each epoch that it may have to go back
 * to, for each that late messages may still be of, and for each own message that may have to be said again; in `messages`
 * its messages; in `group-inbox` what members told that has not had its effect, in `group-outbox` what is to be told.
 */
export const GROUP_VERSION = 1;
/** People whose names are known because they are or were in the group. */
export const MAX_NAMES = 128;
const MAX_WANTS = 128;
/** Wants that were fulfilled, and may come up again. */
export const MAX_FULFILLED = 32;
export const MAX_VOUCHED = 64;
export const MAX_BROUGHT = 64;
export const MAX_DEAD = 16;
export const MAX_ENDS = 64;
const MAX_STATE = 1 << 21;

const version = mapped(
  u8,
  (read) => {
    if (read !== GROUP_VERSION) throw new RemoteError('bad-version');
    return read;
  },
  () => GROUP_VERSION,
);
const address = fixed(32);
const groupId = fixed(GROUP_ID_LENGTH);
const messageId = fixed(MESSAGE_ID_LENGTH);
const mls = mapped(bytes(MAX_STATE), decodeMembers, encodeGroup);
const ref = text(128);

/** What this user wants of the group, until it is so. `ref`: the proposal that says it, in the epoch that is. */
const wantCodec = struct({
  what: union({
    add: [1, struct({ address, name: text(MAX_NAME), keyPackage: bytes(MAX_PROPOSAL) })],
    remove: [2, struct({ address })],
    rename: [3, struct({ name: text(MAX_NAME) })],
    update: [4, struct({})],
    leave: [5, struct({})],
    /** Removed, and added by this key package. */
    readd: [6, struct({ address, name: text(MAX_NAME), keyPackage: bytes(MAX_PROPOSAL) })],
  }),
  ref: optional(ref),
});
export type Want = Value<typeof wantCodec>;

/** A proposal of this epoch as it was sent, own or another's. */
export const heldCodec = struct({ ref, message: bytes(MAX_PROPOSAL), by: address, at: u64 });
export type Held = Value<typeof heldCodec>;

const endCodec = struct({ at: placeCodec, by: address });
/** The end of the epoch `at` by a commit of `by`. */
type End = Value<typeof endCodec>;

export const sameEnd = (a: End, b: End): boolean => samePlace(a.at, b.at) && equal(a.by, b.by);

/**
 * An epoch whose end may be undone. `own` is false where this user was not yet in it; `events`: messages that tell what its
 * end changed.
 */
const unsettledCodec = struct({
  at: placeCodec,
  by: address,
  awaited: list(address, MAX_MEMBERS),
  own: bool,
  events: list(messageId, 64),
});
export type Unsettled = Value<typeof unsettledCodec>;

/** Somebody who is or was in the group, and the place of their first message among this user's. */
const personCodec = struct({ address, name: text(MAX_NAME), since: u64 });

const dated = struct({ address, at: u64 });

export const groupCodec = struct({
  version,
  id: groupId,
  /** `leaving`: until the others have let this user go; `lost`: in the group, but without its keys, for they came from a copy. */
  state: choice(['active', 'leaving', 'left', 'lost']),
  name: text(MAX_NAME),
  /** Nothing for a group that this user is not in. */
  mls: optional(mls),
  held: list(heldCodec, MAX_PROPOSALS),
  wants: list(wantCodec, MAX_WANTS),
  /** Wants that unsettled epochs have fulfilled. */
  fulfilled: list(wantCodec, MAX_FULFILLED),
  unsettled: list(unsettledCodec, MAX_OPEN),
  /** How the last epochs ended that this user knows of, in their order. What of it is not unsettled is settled. */
  ends: list(endCodec, MAX_ENDS),
  /** Whom this user has brought into the group by ending an epoch, while that may be undone. */
  brought: list(struct({ at: placeCodec, address }), MAX_BROUGHT),
  /** Whom this user wanted to be added, and passes a welcome on to. */
  vouched: list(address, MAX_VOUCHED),
  /** Who brought this user into it, while that may be undone; and, once it is, until they are welcome again. */
  joined: optional(endCodec),
  /** Ends of epochs that were undone before this user had the welcome that came of them. */
  dead: list(endCodec, MAX_DEAD),
  people: list(personCodec, MAX_NAMES),
  /** When each member was last heard. */
  heard: list(dated, MAX_MEMBERS),
  /** Who left, whose last words may still be under way. */
  leavers: list(dated, MAX_MEMBERS),
  nextOrder: u64,
  nextPosition: u64,
  /** Messages before this position were seen by the user. */
  readTo: u64,
  timer: optional(timerCodec),
});
export type GroupRecord = Value<typeof groupCodec>;

/** An epoch that the group may have to go back to; `held` with those proposals that came with the commit that ended it. */
export const formerCodec = struct({ mls, held: list(heldCodec, 2 * MAX_PROPOSALS) });
export type Former = Value<typeof formerCodec>;

const past = mapped(bytes(MAX_STATE), decodePast, encodePast);
/** An epoch that is over, and when it ended. */
export const pastCodec = struct({ at: placeCodec, past, ended: u64 });
export type PastEpoch = Value<typeof pastCodec>;

/** Something own that was sealed in an epoch that may be undone. */
export const saidCodec = struct({ order: u64, epoch: u64, envelope: bytes(1 << 17) });
export type SaidEntry = Value<typeof saidCodec>;

export type GroupState = ThreadState & {
  readonly record: GroupRecord;
  /** By key. */
  readonly formers: ReadonlyMap<string, Former>;
  readonly pasts: ReadonlyMap<string, PastEpoch>;
  readonly said: ReadonlyMap<string, SaidEntry>;
};

type Place = Value<typeof placeCodec>;

const ordered = (order: number): string => String(order).padStart(16, '0');
export const placeKey = ({ epoch, tag }: Place): string => `${ordered(epoch)}-${hex(tag)}`;
export const saidKey = (order: number): string => ordered(order);

/** In the table `groups`: the record itself, or a part of it behind it. */
export const groupKey = (id: string, part?: 'former' | 'past' | 'said', key = ''): string =>
  part === undefined ? id : `${id}/${part}/${key}`;
/** In `group-inbox` and `group-outbox`: what one member told, or is told, in its order. */
export const boxKey = (id: string, member: string, order: number): string =>
  `${id}/${member}/${ordered(order)}`;

/** The last epoch that this user knows to have ended. */
export const passed = ({ ends }: GroupRecord): number => ends.at(-1)?.at.epoch ?? 0;

/** The ends that nothing can undo, and none that came after another that may be undone. */
export const sureEnds = ({ ends, unsettled }: GroupRecord): GroupRecord['ends'] => {
  const first = Math.min(...unsettled.map(({ at }) => at.epoch));
  return ends.filter(({ at }) => at.epoch < first);
};

/** True where the group is known to have gone another way for good. */
export const contradicts = ({ ends, unsettled }: GroupRecord, end: End): boolean =>
  ends.some(
    (each) =>
      samePlace(each.at, end.at) &&
      !equal(each.by, end.by) &&
      !unsettled.some((open) => samePlace(open.at, end.at)),
  );

/** What of it may be taken elsewhere: it can be read, and lacks the keys, which would seal two messages alike if they were used twice. */
export const withoutKeys = (record: GroupRecord): GroupRecord => ({
  ...record,
  ...{ held: [], wants: [], fulfilled: [], unsettled: [], brought: [], leavers: [] },
  ...{ mls: undefined, joined: undefined, ends: sureEnds(record) },
  state: record.state === 'active' || record.state === 'lost' ? 'lost' : 'left',
});

export const encodeRecord = (record: GroupRecord): Uint8Array => encode(groupCodec, record);

/** All groups that the table holds. Throws what decoding throws. */
export const readGroups = (records: readonly [string, Uint8Array][]): GroupState[] => {
  const parts = records.map(([path, value]) => ({ path: path.split('/'), value }));
  const of = <T>(id: string, part: string, read: (value: Uint8Array) => T): Map<string, T> =>
    new Map(
      parts
        .filter(({ path }) => path[0] === id && path[1] === part)
        .map(({ path, value }): [string, T] => [path[2] ?? '', read(value)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return parts
    .filter(({ path }) => path.length === 1)
    .map(({ path: [id = ''], value }) => ({
      record: decode(groupCodec, value),
      formers: of(id, 'former', (each) => decode(formerCodec, each)),
      pasts: of(id, 'past', (each) => decode(pastCodec, each)),
      said: of(id, 'said', (each) => decode(saidCodec, each)),
      messages: new Map(),
      tombstones: new Map(),
    }));
};

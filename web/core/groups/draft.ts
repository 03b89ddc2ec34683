import { equal, hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { LocalError } from '#shared/errors.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Millis } from '#shared/units.ts';
import { MESSAGE_ID_LENGTH, type Envelope } from '#web/core/conversation/content.ts';
import { membersOf, type Member } from '#web/core/conversation/membership.ts';
import type { Group as Mls } from '#web/core/conversation/mls.ts';
import type { Message, MessageEventRecord } from '#web/core/conversation/records.ts';
import { Thread } from '#web/core/conversation/thread.ts';
import { encodeParts, type Packet } from '#web/core/groups/packets.ts';
import {
  boxKey,
  encodeRecord,
  formerCodec,
  groupKey,
  pastCodec,
  saidCodec,
  type Former,
  type GroupRecord,
  type GroupState,
  type PastEpoch,
  type SaidEntry,
} from '#web/core/groups/records.ts';
import type { Change } from '#web/core/store/ports.ts';

/** This user, as an operation on a group needs them. */
export type Self = { address: Uint8Array; name: string; rng: Rng; now: Millis };

/** A part of a packet, to be told to a member in its turn. */
export type Outgoing = { to: string; key: string; part: Uint8Array };

/** A group's next state while one operation works it out. It takes effect whole, by one write, or not at all. */
export class GroupDraft {
  readonly id: string;
  readonly self: Self;
  record: GroupRecord;
  readonly formers: Map<string, Former>;
  readonly pasts: Map<string, PastEpoch>;
  readonly said: Map<string, SaidEntry>;
  readonly thread: Thread;
  readonly outgoing: Outgoing[] = [];
  /** What somebody said whose effect is not on messages alone, in order. */
  readonly taken: Envelope[] = [];
  /** Changes to other tables that must come with it. */
  readonly extra: Change[] = [];
  readonly #base: GroupState;
  readonly #fresh: boolean;

  /** `fresh`: nothing of it is stored yet. */
  constructor(base: GroupState, self: Self, fresh = false) {
    this.#base = base;
    this.#fresh = fresh;
    this.self = self;
    this.record = base.record;
    this.id = hex(base.record.id);
    this.formers = new Map(base.formers);
    this.pasts = new Map(base.pasts);
    this.said = new Map(base.said);
    this.thread = new Thread(base, this.id, base.record.nextPosition, base.record.timer);
  }

  set(fields: Partial<GroupRecord>): void {
    this.record = { ...this.record, ...fields };
  }

  /** The group's keys. Throws LocalError `refused` where this user is not in it. */
  get mls(): Mls {
    if (!this.record.mls) throw new LocalError('refused', 'you are not in this group any more');
    return this.record.mls;
  }

  /** Everybody in it but this user. */
  get others(): Member[] {
    if (!this.record.mls) return [];
    return membersOf(this.record.mls).filter(({ address }) => !equal(address, this.self.address));
  }

  nameOf(address: Uint8Array): string {
    if (equal(address, this.self.address)) return this.self.name;
    return this.record.people.find((each) => equal(each.address, address))?.name ?? '';
  }

  tell(to: Uint8Array, packet: Packet): void {
    const member = hex(to);
    for (const part of encodeParts(packet)) {
      const order = this.record.nextOrder;
      this.set({ nextOrder: order + 1 });
      this.outgoing.push({ to: member, key: boxKey(this.id, member, order), part });
    }
  }

  /** A line that nobody wrote; its id. */
  happened(event: MessageEventRecord, fields: Partial<Message> = {}): Uint8Array {
    const id = this.self.rng(MESSAGE_ID_LENGTH);
    const { now } = this.self;
    this.thread.append({ id, mine: false, event, sentAt: now, state: 'delivered', ...fields }, now);
    return id;
  }

  /** To be called when everything else is done, and once. */
  finish(): void {
    const { position: nextPosition, timer } = this.thread;
    const before = this.record;
    if (nextPosition !== before.nextPosition || timer !== before.timer) this.set({ nextPosition, timer });
  }

  get isChanged(): boolean {
    return this.#fresh || this.record !== this.#base.record;
  }

  changes(): Change[] {
    const changes: Change[] = [...this.extra, ...this.thread.changes(this.self.now)];
    if (this.isChanged) {
      changes.push({ table: 'groups', key: groupKey(this.id), value: encodeRecord(this.record) });
    }
    const part =
      <T>(name: 'former' | 'past' | 'said', encoded: (value: T) => Uint8Array) =>
      ([key, value]: [string, T | undefined]): Change => ({
        table: 'groups',
        key: groupKey(this.id, name, key),
        value: value && encoded(value),
      });
    changes.push(
      ...differences(this.#base.formers, this.formers).map(
        part('former', (each) => encode(formerCodec, each)),
      ),
      ...differences(this.#base.pasts, this.pasts).map(part('past', (each) => encode(pastCodec, each))),
      ...differences(this.#base.said, this.said).map(part('said', (each) => encode(saidCodec, each))),
    );
    for (const { key, part: value } of this.outgoing) changes.push({ table: 'group-outbox', key, value });
    return changes;
  }

  result(): GroupState {
    const { record, formers, pasts, said } = this;
    return { record, formers, pasts, said, ...this.thread.result(this.self.now) };
  }
}

const differences = <T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): [string, T | undefined][] => [
  ...[...before.keys()].filter((key) => !after.has(key)).map((key): [string, undefined] => [key, undefined]),
  ...[...after].filter(([key, value]) => before.get(key) !== value),
];

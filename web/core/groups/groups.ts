import { equal, hex, unhex } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { ContentOf, Envelope } from '#web/core/conversation/content.ts';
import { Expiry } from '#web/core/conversation/expiry.ts';
import { membersOf, placeOf } from '#web/core/conversation/membership.ts';
import {
  decodeMessage,
  decodeTombstone,
  type Message,
  type Tombstone,
} from '#web/core/conversation/records.ts';
import { Inbox, Outbox, taking, type Arrived } from '#web/core/groups/boxes.ts';
import { type GroupDraft, type Self } from '#web/core/groups/draft.ts';
import type { Fate } from '#web/core/groups/fate.ts';
import { checkRoom, Group, type GroupEnv } from '#web/core/groups/group.ts';
import { founded, invited } from '#web/core/groups/joining.ts';
import { placeKey, readGroups, type GroupState, type Want } from '#web/core/groups/records.ts';
import type { Fellow } from '#web/core/groups/pairs.ts';
import type { Change } from '#web/core/store/ports.ts';

/** What is due is gathered for so long, so that one commit holds what comes close together. */
const GATHER_MS: Millis = 300;
/** Into more groups nobody brings this user; those that they left count. */
const MAX_GROUPS = 256;

export type GroupsEnv = Omit<GroupEnv, 'outgoing'> & {
  /** Undefined where there is no conversation with them. `extra` is written with it. */
  tell: (member: string, content: ContentOf<'group'>, extra: readonly Change[]) => Promise<void> | undefined;
  /** True for whoever may bring this user into a group. */
  isContact: (address: string) => boolean;
  /** The members of some group may be others. */
  membersChanged: () => void;
};

/** All groups of one user: which packet belongs to which, and how one begins. */
export class Groups {
  readonly #env: GroupsEnv;
  readonly #groups = new Map<string, Group>();
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #due = new Map<string, () => void>();
  readonly #looks = new Map<string, Expiry>();
  /** What a group was like when it was last looked at. */
  readonly #marks = new Map<string, { place: string; due: string }>();
  readonly #kept = new WeakMap<Envelope, string>();

  constructor(env: GroupsEnv) {
    this.#env = env;
    this.#outbox = new Outbox(env);
    this.#inbox = new Inbox({
      ...{ store: env.store, now: env.now },
      isKnown: (id) => this.#groups.get(id)?.state.record.mls !== undefined,
      take: (arrived) => this.#take(arrived),
      mark: (id) => this.#mark(id),
    });
  }

  /** Everything that the store holds. Rejects with LocalError `storage`. */
  async load(): Promise<void> {
    const { store } = this.#env;
    const [records, messages, tombstones] = await Promise.all(
      (['groups', 'messages', 'tombstones'] as const).map((table) => store.all(table)),
    );
    try {
      const all = (messages ?? []).map(([, value]) => decodeMessage(value));
      const buried = (tombstones ?? []).map(([, value]) => decodeTombstone(value));
      for (const state of readGroups(records ?? []))
        this.#add(new Group(this.#groupEnv, withThread(state, all, buried)));
    } catch (error) {
      throw new LocalError('storage', `a stored group does not parse: ${String(error)}`);
    }
    for (const group of this.list()) await group.expire();
    await this.#outbox.load();
    await this.#inbox.load();
    for (const group of this.list()) {
      await group.regain();
      this.#soon(group.id);
    }
  }

  list(): Group[] {
    return [...this.#groups.values()];
  }

  /** By id in hex. */
  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** Everybody who is in a group with this user. */
  fellows(): Fellow[] {
    const all = this.list().flatMap(({ summary }) => summary.members);
    const others = new Map(all.flatMap(({ id, name, self }) => (self ? [] : [[id, name] as const])));
    return [...others].map(([id, name]) => ({ address: unhex(id), name }));
  }

  /** True for whoever is in a group with this user. */
  hasMember(address: Uint8Array): boolean {
    return this.list().some(({ members }) => members.some((each) => equal(each, address)));
  }

  /** Throws LocalError `too-many`. */
  async create(name: string, others: readonly Want['what'][]): Promise<Group> {
    checkRoom(1 + others.length);
    const draft = await founded(this.#self(), this.#env.identity, name);
    const group = await this.#begin(draft, []);
    await group.want(others);
    return group;
  }

  /** As `Feature.keep`. */
  keep(contact: Uint8Array, envelope: Envelope): readonly Change[] {
    if (envelope.content.type !== 'group') return [];
    const kept = this.#inbox.keep(contact, envelope.content);
    if (!kept) return [];
    this.#kept.set(envelope, kept.key);
    return kept.changes;
  }

  /** As `Feature.taken`; resolves once it has had what effect it has now. */
  async taken(conversation: string, envelope: Envelope): Promise<void> {
    const key = this.#kept.get(envelope);
    if (envelope.content.type !== 'group' || key === undefined) return;
    await this.#inbox.taken(unhex(conversation), envelope.content, key).catch(() => undefined);
  }

  /** There is a conversation with them. */
  begun(member: string): void {
    void this.#outbox.run(member);
  }

  /** Members whom there is something to tell. */
  get waitingFor(): string[] {
    return this.#outbox.members;
  }

  /** Commits or proposes what is due in a group. */
  async advance(id: string): Promise<void> {
    this.#due.get(id)?.();
    this.#due.delete(id);
    const group = this.#groups.get(id);
    await group?.advance();
    this.#looks.get(id)?.set(group?.lookAt);
  }

  stop(): void {
    for (const cancel of this.#due.values()) cancel();
    for (const look of this.#looks.values()) look.stop();
    for (const group of this.list()) group.stop();
  }

  get #groupEnv(): GroupEnv {
    return {
      ...this.#env,
      outgoing: (parts) => this.#outbox.add(parts),
      emit: (event) => {
        this.#env.emit(event);
        if (event.type === 'conversation') this.#changed(event.conversation);
      },
    };
  }

  #changed(id: string): void {
    const { held = [], wants = [] } = this.#groups.get(id)?.state.record ?? {};
    const before = this.#marks.get(id);
    const now = { place: this.#mark(id), due: `${String(held.length)} ${String(wants.length)}` };
    this.#marks.set(id, now);
    if (before?.place === now.place && before.due === now.due) return;
    this.#soon(id);
    if (before?.place === now.place) return;
    this.#env.membersChanged();
    void this.#inbox.run(id);
  }

  #self(): Self {
    const { identity, ownName, rng, now } = this.#env;
    return { address: identity.address, name: ownName(), rng, now: now() };
  }

  #add(group: Group): Group {
    this.#groups.set(group.id, group);
    const due = (): void => void this.advance(group.id).catch(() => undefined);
    this.#looks.set(group.id, new Expiry(this.#env, due));
    return group;
  }

  async #begin(draft: GroupDraft, extra: readonly Change[]): Promise<Group> {
    draft.finish();
    draft.extra.push(...extra);
    await this.#env.store.write(draft.changes());
    const group = this.#add(new Group(this.#groupEnv, draft.result()));
    this.#outbox.add(draft.outgoing);
    this.#env.emit({ type: 'conversation', conversation: group.id });
    this.#changed(group.id);
    return group;
  }

  /** What a packet that has to wait waits for. */
  #mark(id: string): string {
    const { mls, state, unsettled = [] } = this.#groups.get(id)?.state.record ?? {};
    const open = unsettled.map(
      ({ at, by, awaited }) => `${placeKey(at)} ${hex(by)} ${String(awaited.length)}`,
    );
    return [mls ? placeKey(placeOf(mls)) : '', state, ...open].join();
  }

  async #take(arrived: Arrived): Promise<Fate> {
    const { group: id, from, packet } = arrived;
    const group = this.#groups.get(id);
    const extra = taking(arrived);
    return group ? group.take(from, packet, extra) : this.#invited(arrived, extra);
  }

  /** Nobody but a contact brings this user into a group. */
  async #invited({ group, from, packet }: Arrived, extra: readonly Change[]): Promise<Fate> {
    const { identity, isContact, store, keyPackages } = this.#env;
    if (packet.type !== 'welcome') return 'early';
    try {
      const mine = equal(packet.to, identity.address) && isContact(hex(from));
      if (!mine) throw new RemoteError('refused', 'a welcome of no contact, or for somebody else');
      if (this.#groups.size >= MAX_GROUPS) throw new RemoteError('too-many');
      const draft = await invited(this.#self(), unhex(group), packet, keyPackages());
      if (!membersOf(draft.mls).some(({ address }) => equal(address, from))) throw new RemoteError('refused');
      await this.#begin(draft, extra);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      await store.write(extra);
    }
    return 'done';
  }

  #soon(id: string): void {
    if (this.#due.has(id)) return;
    const cancel = this.#env.timer(GATHER_MS, () => void this.advance(id).catch(() => undefined));
    this.#due.set(id, cancel);
  }
}

const withThread = (state: GroupState, messages: Message[], tombstones: Tombstone[]): GroupState => {
  const id = hex(state.record.id);
  const own = messages
    .filter(({ conversation }) => conversation === id)
    .sort((a, b) => a.position - b.position);
  const buried = tombstones.filter(({ conversation }) => conversation === id).sort((a, b) => a.at - b.at);
  return {
    ...state,
    messages: new Map(own.map((message) => [hex(message.id), message])),
    tombstones: new Map(buried.map((tombstone) => [hex(tombstone.id), tombstone])),
  };
};

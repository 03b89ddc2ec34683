import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { MemberView, MessagePart, MessageView } from '#web/api.ts';
import { changeTimer, endOf, found, messageOf, react, takeBack } from '#web/core/conversation/actions.ts';
import { MESSAGE_ID_LENGTH, type Content, type Envelope } from '#web/core/conversation/content.ts';
import { Expiry, type Timers } from '#web/core/conversation/expiry.ts';
import { membersOf } from '#web/core/conversation/membership.ts';
import { partOf } from '#web/core/conversation/part.ts';
import { MAX_MEMBERS, shownOf, viewOf, type Message, type Said } from '#web/core/conversation/records.ts';
import type { Talk } from '#web/core/conversation/talk.ts';
import { isOver, nextEnd } from '#web/core/conversation/thread.ts';
import { GroupDraft, type Outgoing } from '#web/core/groups/draft.ts';
import type { Fate } from '#web/core/groups/fate.ts';
import { keptOf } from '#web/core/groups/epochs.ts';
import { askAgain } from '#web/core/groups/joining.ts';
import { advance, lookAt } from '#web/core/groups/order.ts';
import type { Packet } from '#web/core/groups/packets.ts';
import type { GroupState, Want } from '#web/core/groups/records.ts';
import { takePacket } from '#web/core/groups/taking.ts';
import { say, tellSeen } from '#web/core/groups/talk.ts';
import { distinct } from '#web/core/groups/wants.ts';
import type { Identity, OwnKeyPackage } from '#web/core/conversation/identity.ts';
import { countLeaving } from '#web/core/conversation/states.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

export type GroupEvent =
  | { type: 'message'; message: MessageView }
  | { type: 'gone'; conversation: string; messages: string[] }
  /** Something of `Group.summary` changed. */
  | { type: 'conversation'; conversation: string };

export type GroupEnv = Timers & {
  store: Store;
  rng: Rng;
  identity: Identity;
  keyPackages: () => readonly OwnKeyPackage[];
  ownName: () => string;
  /** True for whoever may bring this user into a group. */
  isContact: (address: string) => boolean;
  /** What somebody calls themselves; undefined for whom this user has no conversation with. */
  nameOf: (address: string) => string | undefined;
  /** What other parts make of what somebody said to a group: the changes are written with it, and then it is told. */
  keep: (group: Uint8Array, envelope: Envelope) => readonly Change[];
  taken: (group: string, envelope: Envelope) => void;
  /** What other parts remove with a message that had a file. */
  drop: (message: Message) => readonly Change[];
  /** True when the user tells who wrote messages that they were seen. */
  receipts: () => boolean;
  /** These parts are stored, to be told in their order. */
  outgoing: (parts: readonly Outgoing[]) => void;
  emit: (event: GroupEvent) => void;
};

/** Changes of one member that wait to be committed. */
const MOST_WANTS = 32;

/** `id`: the message's, where it is known before. */
type With = { id?: Uint8Array; parts?: readonly Content[]; extra?: readonly Change[] };

export type GroupSummary = {
  id: string;
  name: string;
  state: 'active' | 'left';
  members: MemberView[];
  former: MemberView[];
  unread: number;
  leaving: number;
  last: MessageView | null;
  timerMs: number | null;
};

/**
 * One group of up to 16. As with a conversation of two, each operation works out the next state, and stores it by one
 * atomic write together with what is to be told and what was taken; operations run one after another; one that rejects
 * has changed nothing.
 */
export class Group implements Talk {
  readonly id: string;
  readonly #env: GroupEnv;
  readonly #expiry: Expiry;
  #state: GroupState;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(env: GroupEnv, state: GroupState) {
    this.#env = env;
    this.#state = state;
    this.id = hex(state.record.id);
    this.#expiry = new Expiry(env, () => void this.expire().catch(() => undefined));
    this.#expiry.set(nextEnd(state.messages.values()));
  }

  get state(): GroupState {
    return this.#state;
  }

  /** When to look whether the silence of others has made it this user's turn. */
  get lookAt(): Millis | undefined {
    return lookAt(this.#draft());
  }

  get members(): Uint8Array[] {
    const { mls } = this.#state.record;
    return mls ? membersOf(mls).map(({ address }) => address) : [];
  }

  get summary(): GroupSummary {
    const { record, messages } = this.#state;
    const all = [...messages.values()];
    const last = all.at(-1);
    const members = record.state === 'active' ? this.members : [];
    const former = record.people.filter(({ address }) => !members.some((one) => equal(one, address)));
    return {
      id: this.id,
      name: record.name,
      state: record.state === 'active' ? 'active' : 'left',
      members: members.map((each) => this.#memberView(each)),
      former: former.map(({ address }) => this.#memberView(address)),
      unread: all.filter(({ mine, event, position }) => !mine && !event && position >= record.readTo).length,
      leaving: countLeaving(all),
      last: last ? viewOf(last) : null,
      timerMs: record.timer?.ms ?? null,
    };
  }

  messages(part?: MessagePart): MessageView[] {
    return partOf(this.#state.messages, part).map(viewOf);
  }

  holds(messageId: string): boolean {
    return this.#state.messages.has(messageId);
  }

  search(needle: string): MessageView[] {
    return found(this.#state.messages.values(), needle).map(viewOf);
  }

  /**
   * What a member told. `extra` is written in any case but `early`: when something else has to come before it. What is
   * not as it should be has no effect and never will.
   */
  async take(from: Uint8Array, packet: Packet, extra: readonly Change[]): Promise<Fate> {
    let fate: Fate = 'done';
    try {
      await this.run(async (draft) => {
        fate = await takePacket(draft, this.#env, from, packet);
        if (fate === 'early') return;
        draft.extra.push(...extra);
      });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      await this.run((draft) => void draft.extra.push(...extra));
      fate = 'done';
    }
    return fate;
  }

  /** The group's keys came from a copy, and would seal two messages alike: it is asked for new ones. */
  async regain(): Promise<void> {
    const keyPackage = this.#env.keyPackages().at(-1);
    if (this.#state.record.state !== 'lost' || !keyPackage) return;
    const known = this.#state.record.people.map(({ address }) => address);
    const contacts = known.filter((address) => this.#env.isContact(hex(address)));
    await this.run((draft) => askAgain(draft, contacts, keyPackage.public));
  }

  /** Commits or proposes what is due. */
  advance(): Promise<void> {
    return this.run(advance);
  }

  /** Throws LocalError `too-many`, `refused`. */
  want(wants: readonly Want['what'][]): Promise<void> {
    return this.run((draft) => {
      if (draft.record.state !== 'active')
        throw new LocalError('refused', 'you are not in this group any more');
      const open = wants.map((what) => ({ what, ref: undefined }));
      const all = distinct([...draft.record.wants, ...open]);
      const adding = all.filter(({ what }) => what.type === 'add').length;
      checkRoom(membersOf(draft.mls).length + adding);
      if (all.length > MOST_WANTS) throw new LocalError('too-many', 'other changes have to be made first');
      draft.set({ wants: all, people: withNames(draft, wants) });
      return advance(draft);
    });
  }

  leave(): Promise<void> {
    return this.run((draft) => {
      if (draft.record.state !== 'active') return undefined;
      draft.set({ state: 'leaving', wants: [{ what: { type: 'leave' }, ref: undefined }] });
      return advance(draft);
    });
  }

  send(
    text: string,
    { replyTo }: { replyTo?: Uint8Array } = {},
    extra: readonly Change[] = [],
  ): Promise<MessageView> {
    return this.say({ type: 'text', text, replyTo, expires: undefined }, { extra });
  }

  /** Throws LocalError `too-long`, `refused`. */
  async say(
    said: Said,
    { id = this.#env.rng(MESSAGE_ID_LENGTH), parts = [], extra = [] }: With = {},
  ): Promise<MessageView> {
    await this.#speak(async (draft) => {
      const { address: author, now } = draft.self;
      const content = { ...said, expires: said.expires ?? endOf(draft.thread, now) };
      const state = draft.others.length > 0 ? 'sending' : 'delivered';
      draft.thread.append({ id, mine: true, author, ...shownOf(content), sentAt: now, state }, now);
      await say(draft, { id, time: now, content });
      for (const part of parts) await say(draft, this.#envelope(part));
      draft.extra.push(...extra);
    });
    const message = this.#state.messages.get(hex(id));
    if (!message) throw new LocalError('internal', 'a message that was stored is gone');
    return viewOf(message);
  }

  react(messageId: string, emoji: string | null): Promise<void> {
    return this.#speak((draft) => say(draft, this.#envelope(react(draft.thread, messageId, emoji))));
  }

  /** Throws LocalError `not-found`, `refused`. */
  remove(messageId: string, everywhere: boolean): Promise<void> {
    if (everywhere)
      return this.#speak((draft) => say(draft, this.#envelope(takeBack(draft.thread, messageId))));
    return this.run(({ thread, self }) => thread.remove(messageOf(thread, messageId), self.now));
  }

  setTimer(ms: number | null): Promise<void> {
    return this.#speak(async (draft) => {
      const id = this.#env.rng(MESSAGE_ID_LENGTH);
      const { content, at } = changeTimer(draft.thread, ms, { id, now: draft.self.now });
      const message = messageOf(draft.thread, hex(id));
      draft.thread.put({ ...message, author: draft.self.address, state: 'delivered' });
      await say(draft, { id, time: at, content });
    });
  }

  markRead(): Promise<void> {
    return this.run((draft) => {
      const { readTo, nextPosition } = draft.record;
      if (readTo >= nextPosition) return;
      draft.set({ readTo: nextPosition });
      if (this.#env.receipts()) tellSeen(draft, readTo);
    });
  }

  /** Says it once more to all, for whoever could not read it; it is shown once. Throws LocalError `not-found`. */
  retry(messageId: string): Promise<void> {
    return this.#speak((draft) => {
      const {
        mine,
        id,
        sentAt: time,
        text,
        replyTo,
        expires,
        deleted,
        event,
        file,
      } = messageOf(draft.thread, messageId);
      if (!mine || deleted || event || file)
        throw new LocalError('not-found', 'there is nothing to say again');
      return say(draft, { id, time, content: { type: 'text', text, replyTo, expires } });
    });
  }

  async expire(): Promise<void> {
    const now = this.#env.now();
    if (![...this.#state.messages.values()].some((message) => isOver(message, now))) return;
    await this.run(({ thread }) => thread.expire(now));
  }

  stop(): void {
    this.#expiry.stop();
  }

  run(work: (draft: GroupDraft) => void | Promise<void>): Promise<void> {
    const done = this.#tail.then(async () => {
      const draft = this.#draft();
      await work(draft);
      draft.finish();
      for (const envelope of draft.taken) draft.extra.push(...this.#env.keep(draft.record.id, envelope));
      for (const message of draft.thread.dropped) draft.extra.push(...this.#env.drop(message));
      const changes = draft.changes();
      if (changes.length > 0) await this.#env.store.write(changes);
      this.#apply(draft);
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  #draft(): GroupDraft {
    const { identity, rng } = this.#env;
    const self = { address: identity.address, name: this.#env.ownName(), rng, now: this.#env.now() };
    return new GroupDraft(this.#state, self);
  }

  #speak(work: (draft: GroupDraft) => Promise<void>): Promise<void> {
    return this.run((draft) => {
      if (draft.record.state !== 'active')
        throw new LocalError('refused', 'you are not in this group any more');
      return work(draft);
    });
  }

  #envelope(content: Content): Envelope {
    return { id: this.#env.rng(MESSAGE_ID_LENGTH), time: this.#env.now(), content };
  }

  #memberView(address: Uint8Array): MemberView {
    const id = hex(address);
    if (equal(address, this.#env.identity.address)) return { id, name: this.#env.ownName(), self: true };
    const told = this.#state.record.people.find((each) => equal(each.address, address))?.name ?? '';
    const name = this.#env.nameOf(id) ?? '';
    return { id, name: name === '' ? told : name, self: false };
  }

  #apply(draft: GroupDraft): void {
    const { thread } = draft;
    this.#state = draft.result();
    if (draft.outgoing.length > 0) this.#env.outgoing(draft.outgoing);
    for (const message of thread.changed.values())
      this.#env.emit({ type: 'message', message: viewOf(message) });
    if (thread.gone.length > 0)
      this.#env.emit({ type: 'gone', conversation: this.id, messages: thread.gone });
    for (const envelope of draft.taken) this.#env.taken(this.id, envelope);
    if (thread.isChanged) this.#expiry.set(nextEnd(this.#state.messages.values()));
    if (draft.isChanged || thread.isChanged) this.#env.emit({ type: 'conversation', conversation: this.id });
  }
}

/** Throws LocalError `too-many`. */
export const checkRoom = (members: number): void => {
  if (members > MAX_MEMBERS)
    throw new LocalError('too-many', `a group has at most ${String(MAX_MEMBERS)} members`);
};

const withNames = (draft: GroupDraft, wants: readonly Want['what'][]): GroupDraft['record']['people'] => {
  const named = wants.flatMap((what) => (what.type === 'add' ? [{ ...what, since: 0 }] : []));
  const others = draft.record.people.filter(
    ({ address }) => !named.some((each) => equal(each.address, address)),
  );
  return keptOf(draft, [...others, ...named.map(({ address, name, since }) => ({ address, name, since }))]);
};

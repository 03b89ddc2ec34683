import { equal, hex } from '#shared/bytes/bytes.ts';
import { codeOf, LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Contact, Contacts } from '#web/core/contacts/contacts.ts';
import type { Redemption } from '#web/core/contacts/invites.ts';
import type { Change } from '#web/core/store/ports.ts';
import { Draft } from '#web/core/conversation/draft.ts';
import {
  AGAIN,
  FELLOW,
  decodeFrame,
  encodeFrame,
  type FileFrame,
  type Frame,
} from '#web/core/conversation/frames.ts';
import type { Identity, OwnKeyPackage } from '#web/core/conversation/identity.ts';
import {
  createGroup,
  groupIdOfGroup,
  groupTime,
  joinGroup,
  partiesOf,
  type Group,
} from '#web/core/conversation/mls.ts';
import {
  decodeConversation,
  decodeEntry,
  decodeMessage,
  decodeTombstone,
  VERSION,
  type State,
} from '#web/core/conversation/records.ts';
import { Session, type SessionEnv } from '#web/core/conversation/session.ts';
import { assemble, recordsOf, transplanted } from '#web/core/conversation/whole.ts';
import type { Adopted } from '#web/core/conversation/stream.ts';

export type ConversationsEnv = SessionEnv & {
  identity: Identity;
  /** The own key packages that a welcome may still be for. */
  keyPackages: () => readonly OwnKeyPackage[];
  contacts: Contacts;
  /** What an invite's token is good for; undefined refuses it. */
  redeem: (token: Uint8Array, alias: boolean, contact: Uint8Array) => Redemption | undefined;
  /** Who answers for the user's handle, if there is one. */
  alias: () => { identity: Identity; keyPackages: readonly OwnKeyPackage[] } | undefined;
  /** Is given what belongs to a file. May throw RemoteError. */
  file: (conversation: string, channel: number, frame: FileFrame) => void;
};

/** An accepted invite: its address and token, and the contact's key package from their descriptor. */
export type Acceptance = {
  contact: Uint8Array;
  /** The contact's name, as the invite has it. */
  name: string;
  token: Uint8Array;
  keyPackage: Uint8Array;
  /** This user's own name, for the contact to see. */
  ownName: string;
  /** The handle that led to them. */
  handle?: string;
  /** They are no contact, but in a group with the user. */
  fellow?: boolean;
};

/** All conversations of one user: which frame belongs to which, and how one begins from either side. */
export class Conversations {
  readonly #env: ConversationsEnv;
  readonly #sessions = new Map<string, Session>();
  readonly #byChannel = new Map<number, Session>();
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(env: ConversationsEnv, sessions: Session[]) {
    this.#env = env;
    for (const session of sessions) this.#sessions.set(session.id, session);
  }

  /** Everything that the store holds. Throws LocalError `storage`. */
  static async load(env: ConversationsEnv): Promise<Conversations> {
    const [conversations, messages, entries, tombstones] = await Promise.all(
      (['conversations', 'messages', 'outbox', 'tombstones'] as const).map(async (table) =>
        (await env.store.all(table)).map(([, value]) => value),
      ),
    );
    const states = stored(() =>
      assemble(
        (conversations ?? []).map(decodeConversation),
        (messages ?? []).map(decodeMessage),
        (entries ?? []).map(decodeEntry),
        (tombstones ?? []).map(decodeTombstone),
      ),
    );
    const sessions = states.map((state) => new Session(env, state));
    // What came to its end meanwhile is never seen.
    for (const session of sessions) await session.expire();
    return new Conversations(env, sessions);
  }

  /** Begins anew with a contact where this side's state of the group is of no use any more. Throws as `createGroup`. */
  restart(id: string, keyPackage: Uint8Array, ownName: string): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#sessions.get(id);
      if (!known?.stale) return;
      const { contact, invitation: token = AGAIN } = known;
      const { identity, rng, now } = this.#env;
      const after = groupTime(known.groupId);
      const made = await createGroup(rng, identity, { address: contact, keyPackage }, now(), after);
      const { group, welcome } = made;
      const groupId = groupIdOfGroup(group);
      const frame = encodeFrame({ type: 'welcome', groupId, token, name: ownName, welcome });
      const fresh = await begin(contact, known.summary.name, group, frame);
      await known.adopt(fresh, () => this.#met(contact, group, {}));
    });
  }

  /** Ends timers. */
  stop(): void {
    for (const session of this.list()) session.stop();
  }

  list(): Session[] {
    return [...this.#sessions.values()];
  }

  /** By conversation id: the contact's address (32) in hex. */
  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * The conversation with a contact; a new one makes a group and a welcome, which the first channel will carry. One
   * that the contact has not joined yet begins anew, with the invite given now. Throws as `createGroup`.
   */
  start(acceptance: Acceptance): Promise<Session> {
    return this.#inTurn(async () => {
      const known = this.#sessions.get(hex(acceptance.contact));
      if (known && !known.waiting) return known;
      const { contact, handle } = acceptance;
      const { group, fresh } = await this.#invited(acceptance, known ? groupTime(known.groupId) : 0);
      const wanted = { wanted: true, told: true, blocked: false, ...(handle !== undefined && { handle }) };
      const fields = acceptance.fellow ? { fellow: true } : wanted;
      const met = (): Adopted => this.#met(contact, group, fields);
      await known?.adopt(fresh, met);
      return known ?? this.#add(fresh, met);
    });
  }

  /** The conversation is no more, nor anything that was said in it. `extra` is written with that. */
  remove(id: string, extra: () => readonly Change[]): Promise<void> {
    return this.#inTurn(async () => {
      const session = this.#sessions.get(id);
      if (!session) return;
      this.#sessions.delete(id);
      for (const [channel, each] of this.#byChannel) if (each === session) this.#byChannel.delete(channel);
      session.stop();
      await session.erase(({ messages }) => {
        const files = [...messages.values()].filter(({ file }) => file !== undefined);
        return [...files.flatMap((message) => this.#env.drop(message)), ...extra()];
      });
      this.#env.emit({ type: 'conversation', conversation: id });
    });
  }

  /**
   * The contact of conversation `id` goes by another address, to which this invite leads: the conversation goes there,
   * with all that was said in it. `extra` is written with that. Throws as `createGroup`.
   */
  move(id: string, to: Acceptance, extra: () => readonly Change[]): Promise<Session> {
    return this.#inTurn(async () => {
      const session = this.#sessions.get(id);
      if (!session) throw new LocalError('unknown-conversation');
      // Who is a contact already keeps the conversation that there is.
      const known = this.#sessions.get(hex(to.contact));
      const { group, fresh } = await this.#invited(to, groupTime(session.groupId));
      const fields = { wanted: true, told: true, wants: true, blocked: false };
      let moved: State = fresh;
      session.stop();
      await session.erase((last) => {
        moved = transplanted(last, fresh);
        const there = known ? [] : [...recordsOf(moved), ...this.#met(to.contact, group, fields).changes];
        return [...there, ...extra()];
      });
      this.#sessions.delete(id);
      for (const [channel, each] of this.#byChannel) if (each === session) this.#byChannel.delete(channel);
      const next = known ?? new Session(this.#env, moved);
      this.#sessions.set(next.id, next);
      this.#env.emit({ type: 'conversation', conversation: next.id });
      return next;
    });
  }

  /** This side opened a channel to the contact of a conversation. */
  async opened(id: string, channel: number): Promise<void> {
    const session = this.#sessions.get(id);
    if (!session) throw new LocalError('unknown-conversation');
    this.#byChannel.set(channel, session);
    await session.opened(channel);
  }

  async closed(channel: number): Promise<void> {
    const session = this.#byChannel.get(channel);
    this.#byChannel.delete(channel);
    await session?.closed(channel);
  }

  /**
   * A frame by mail, without a channel; or on any channel, also one that nobody has spoken for yet: the first frame
   * tells. The session to which it went, whose `acksDue` says whether to time a `flushAcks`. Throws RemoteError, after
   * which the caller closes the channel: what `Session.receive` and `joinGroup` throw, `bad-invite`, `try-later`,
   * `finished`, and `unknown-conversation`. A welcome of a contact's counts if its group is later than the one that there is.
   */
  async receive(channel: number | undefined, bytes: Uint8Array): Promise<Session> {
    const { session, work } = await this.#inTurn(async () => {
      const frame = decodeFrame(bytes);
      const known = this.list().find(({ groupId }) => equal(groupId, frame.groupId));
      if (known && (frame.type === 'chunk' || frame.type === 'got')) {
        if (channel === undefined || this.#byChannel.get(channel) !== known)
          throw new RemoteError('unexpected', 'a file comes first');
        this.#env.file(known.id, channel, frame);
        return { session: known, work: undefined };
      }
      if (known) {
        this.#admit(known.contact);
        if (channel !== undefined) this.#byChannel.set(channel, known);
        // Begun in turn, but not awaited here: conversations do not wait for each other.
        return { session: known, work: known.receive(channel, bytes) };
      }
      if (frame.type === 'welcome') return { session: await this.#welcomed(channel, frame), work: undefined };
      const speaker = this.list().find((each) => each.left(frame.groupId)) ?? this.#speakerOf(channel);
      // Of a group that was left for another, of which the contact is to hear here.
      if (speaker) return { session: speaker, work: this.#attach(channel, speaker) };
      throw new RemoteError('unknown-conversation');
    });
    await work;
    return session;
  }

  /** A group of this side's making, and the welcome to it. */
  async #invited(
    { contact, name, token, keyPackage, ownName }: Acceptance,
    after: Millis,
  ): Promise<{ group: Group; fresh: State }> {
    const { identity, rng, now } = this.#env;
    const made = await createGroup(rng, identity, { address: contact, keyPackage }, now(), after);
    const { group, welcome } = made;
    const groupId = groupIdOfGroup(group);
    const frame = encodeFrame({ type: 'welcome', groupId, token, name: ownName, welcome });
    return { group, fresh: await begin(contact, name, group, frame) };
  }

  /** As the user; or, where a handle led here, as who answers for that. */
  async #join(welcome: Uint8Array): Promise<{ group: Group; contact: Uint8Array; alias: boolean }> {
    const { identity, keyPackages, alias, now } = this.#env;
    try {
      return { ...(await joinGroup(identity, keyPackages(), welcome, now())), alias: false };
    } catch (error) {
      const other = alias();
      if (!other || codeOf(error) !== 'bad-key') throw error;
      return { ...(await joinGroup(other.identity, other.keyPackages, welcome, now())), alias: true };
    }
  }

  #speakerOf(channel: number | undefined): Session | undefined {
    return channel === undefined ? undefined : this.#byChannel.get(channel);
  }

  async #attach(channel: number | undefined, session: Session): Promise<void> {
    if (channel === undefined || this.#byChannel.get(channel) === session) return;
    this.#byChannel.set(channel, session);
    await session.opened(channel);
  }

  async #welcomed(channel: number | undefined, frame: Frame & { type: 'welcome' }): Promise<Session> {
    const { identity, redeem, contacts } = this.#env;
    const { group, contact, alias } = await this.#join(frame.welcome);
    if (!equal(groupIdOfGroup(group), frame.groupId)) throw new RemoteError('malformed', 'another group');
    this.#admit(contact);
    const known = this.#sessions.get(hex(contact));
    // Nobody who knows the user's own address learns that the handle is theirs too.
    if (known && alias && equal(known.parties.own.address, identity.address))
      throw new RemoteError('finished');
    const redeemed = redeem(frame.token, alias, contact);
    // They may hear of the group later than the other does.
    if (!known && !redeemed && equal(frame.token, FELLOW)) throw new RemoteError('try-later');
    if (!known && !redeemed) throw new RemoteError('bad-invite');
    if (!known && redeemed?.wanted === false && !redeemed.fellow && contacts.crowded)
      throw new RemoteError('try-later');
    const met = (): Adopted => this.#came(contact, group, redeemed);
    const fresh = (): Promise<State> => begin(contact, frame.name, group, undefined);
    // Both may have invited each other, or begun anew: for both, the later group is the one that holds.
    if (known && isLater(frame.groupId, known.groupId)) await known.adopt(await fresh(), met);
    else if (known && redeemed) await known.also(() => this.#stands(contact, redeemed));
    const session = known ?? (await this.#add(await fresh(), met));
    await this.#attach(channel, session);
    return session;
  }

  /** Nothing of who is blocked is taken, and they are not told why. Throws RemoteError `finished`. */
  #admit(contact: Uint8Array): void {
    if (this.#env.contacts.blocked(hex(contact))) throw new RemoteError('finished');
  }

  /** A group with a contact shows the key that they go by, and changes how the user stands with them. */
  #met(contact: Uint8Array, group: Group, fields: Partial<Contact>): Adopted {
    const { contacts } = this.#env;
    const id = hex(contact);
    const seen = contacts.seen(id, partiesOf(group).other.key);
    const changes = [contacts.change(id, { ...fields, ...seen.fields })];
    return { changes, event: seen.changed ? { type: 'key-changed' } : undefined };
  }

  /** The contact came with a group of theirs, by an invite or because they are known. */
  #came(contact: Uint8Array, group: Group, redeemed: Redemption | undefined): Adopted {
    const stands = redeemed ? this.#stands(contact, redeemed) : [];
    const { changes, event } = this.#met(contact, group, {});
    return { changes: [...stands, ...changes], event };
  }

  /** What their invite makes of them. */
  #stands(contact: Uint8Array, redeemed: Redemption): Change[] {
    const { contacts } = this.#env;
    const id = hex(contact);
    const wanted = redeemed.wanted || contacts.get(id)?.wanted === true;
    const fields = redeemed.fellow ? { fellow: true } : { wanted, wants: true };
    return [contacts.change(id, fields), ...redeemed.use()];
  }

  async #add(state: State, met: () => Adopted): Promise<Session> {
    const draft = new Draft(state, this.#env.now(), true);
    await this.#env.store.write([...met().changes, ...draft.changes()]);
    const session = new Session(this.#env, state);
    this.#sessions.set(session.id, session);
    this.#env.emit({ type: 'conversation', conversation: session.id });
    return session;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}

/** Group ids begin with the time of making. */
const isLater = (a: Uint8Array, b: Uint8Array): boolean => hex(a) > hex(b);

/** A conversation at its beginning. Who joined renews the key that its key package gave away (protocol, "Conversations"). */
const begin = async (
  contact: Uint8Array,
  name: string,
  group: Group,
  welcome: Uint8Array | undefined,
): Promise<State> => {
  const counters = { nextSeq: 0, acked: 0, delivered: 0, told: 0, nextOrder: 0, nextPosition: 0, readTo: 0 };
  const nothing = { welcomeStored: undefined, stale: false, former: [], ackKeys: [], timer: undefined };
  const active = welcome === undefined;
  const conversation = { version: VERSION, contact, name, active, group, welcome, ...nothing, ...counters };
  const draft = new Draft({ conversation, outbox: [], messages: new Map(), tombstones: new Map() }, 0, true);
  await draft.renewAckKeys();
  if (active) await draft.propose();
  return draft.result();
};

const stored = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw new LocalError('storage', `a stored conversation does not parse: ${String(error)}`);
  }
};

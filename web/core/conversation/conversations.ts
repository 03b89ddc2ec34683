import { equal, hex } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Change } from '#web/core/store/ports.ts';
import { Draft } from '#web/core/conversation/draft.ts';
import { decodeFrame, encodeFrame, type Frame } from '#web/core/conversation/frames.ts';
import type { Identity, OwnKeyPackage } from '#web/core/conversation/identity.ts';
import { createGroup, groupIdOfGroup, joinGroup, type Group } from '#web/core/conversation/mls.ts';
import {
  decodeConversation,
  decodeEntry,
  decodeMessage,
  type Message,
  type OutboxEntry,
  VERSION,
  type State,
} from '#web/core/conversation/records.ts';
import { Session, type SessionEnv } from '#web/core/conversation/session.ts';

export type ConversationsEnv = SessionEnv & {
  identity: Identity;
  /** The own key packages that a welcome may still be for. */
  keyPackages: () => readonly OwnKeyPackage[];
  /** What redeeming the invite changes in the store, written with the new conversation; undefined refuses it. */
  redeem: (token: Uint8Array, contact: Uint8Array) => readonly Change[] | undefined;
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
    const [conversations, messages, entries] = await Promise.all(
      (['conversations', 'messages', 'outbox'] as const).map(async (table) =>
        (await env.store.all(table)).map(([, value]) => value),
      ),
    );
    const states = stored(() =>
      assemble(
        (conversations ?? []).map(decodeConversation),
        (messages ?? []).map(decodeMessage),
        (entries ?? []).map(decodeEntry),
      ),
    );
    return new Conversations(
      env,
      states.map((state) => new Session(env, state)),
    );
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
      const { contact, name, token, keyPackage, ownName } = acceptance;
      const { identity, rng, now } = this.#env;
      const { group, welcome } = await createGroup(rng, identity, { address: contact, keyPackage }, now());
      const groupId = groupIdOfGroup(group);
      const frame = encodeFrame({ type: 'welcome', groupId, token, name: ownName, welcome });
      const fresh = await begin(contact, name, group, frame);
      await known?.adopt(fresh, []);
      return known ?? this.#add(fresh, []);
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
   * A frame on any channel, also one that nobody has spoken for yet: the first frame tells. The session to which it
   * went, whose `acksDue` says whether to time a `flushAcks`. Throws RemoteError, after which the caller closes the
   * channel: what `Session.receive` and `joinGroup` throw, `bad-invite`, `unknown-conversation`, and `refused` for a
   * welcome into a second group where there is one already.
   */
  async receive(channel: number, bytes: Uint8Array): Promise<Session> {
    const { session, work } = await this.#inTurn(async () => {
      const frame = decodeFrame(bytes);
      const known = this.list().find(({ groupId }) => equal(groupId, frame.groupId));
      if (known) {
        this.#byChannel.set(channel, known);
        // Begun in turn, but not awaited here: conversations do not wait for each other.
        return { session: known, work: known.receive(channel, bytes) };
      }
      if (frame.type === 'welcome') return { session: await this.#welcomed(channel, frame), work: undefined };
      const speaker = this.#byChannel.get(channel);
      // Of the group that the contact made at the same time, and will leave for ours.
      if (speaker) return { session: speaker, work: undefined };
      throw new RemoteError('unknown-conversation');
    });
    await work;
    return session;
  }

  async #welcomed(channel: number, frame: Frame & { type: 'welcome' }): Promise<Session> {
    const { identity, now, redeem, store } = this.#env;
    const { group, contact } = await joinGroup(identity, this.#env.keyPackages(), frame.welcome, now());
    if (!equal(groupIdOfGroup(group), frame.groupId)) throw new RemoteError('malformed', 'another group');
    const known = this.#sessions.get(hex(contact));
    if (known && !(known.creator && (known.waiting || isLower(identity.address, contact)))) {
      throw new RemoteError('refused', 'there is a conversation already');
    }
    const changes = redeem(frame.token, contact);
    let session: Session;
    if (known && isLower(identity.address, contact)) {
      // Both invited each other: the group of the lower address stays.
      if (changes && changes.length > 0) await store.write(changes);
      session = known;
    } else {
      if (!changes) throw new RemoteError('bad-invite');
      const fresh = await begin(contact, frame.name, group, undefined);
      if (known) await known.adopt(fresh, changes);
      session = known ?? (await this.#add(fresh, changes));
    }
    this.#byChannel.set(channel, session);
    await session.opened(channel);
    return session;
  }

  async #add(state: State, extra: readonly Change[]): Promise<Session> {
    const draft = new Draft(state, true);
    await this.#env.store.write([...extra, ...draft.changes()]);
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

const isLower = (a: Uint8Array, b: Uint8Array): boolean => hex(a) < hex(b);

/** A conversation at its beginning. Who joined renews the key that its key package gave away (protocol, "Conversations"). */
const begin = async (
  contact: Uint8Array,
  name: string,
  group: Group,
  welcome: Uint8Array | undefined,
): Promise<State> => {
  const counters = { nextSeq: 0, acked: 0, delivered: 0, nextOrder: 0, nextPosition: 0, readTo: 0 };
  const active = welcome === undefined;
  const conversation = { version: VERSION, contact, name, active, group, welcome, ackKeys: [], ...counters };
  const draft = new Draft({ conversation, outbox: [], messages: new Map() }, true);
  await draft.renewAckKeys();
  if (active) await draft.propose();
  return draft.result();
};

const assemble = (
  conversations: State['conversation'][],
  messages: Message[],
  entries: OutboxEntry[],
): State[] =>
  conversations.map((conversation) => {
    const id = hex(conversation.contact);
    const own = messages.filter((message) => message.conversation === id);
    return {
      conversation,
      outbox: entries.filter((entry) => entry.conversation === id).sort((a, b) => a.order - b.order),
      messages: new Map(
        own.sort((a, b) => a.position - b.position).map((message) => [hex(message.id), message]),
      ),
    };
  });

const stored = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw new LocalError('storage', `a stored conversation does not parse: ${String(error)}`);
  }
};

import { hex } from '#shared/bytes/bytes.ts';
import { LocalError, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { MessagePart, MessageView } from '#web/api.ts';
import {
  changeTimer,
  endOf,
  found,
  messageOf,
  react,
  readReceipts,
  takeBack,
} from '#web/core/conversation/actions.ts';
import {
  encodeEnvelope,
  MESSAGE_ID_LENGTH,
  type Content,
  type Envelope,
} from '#web/core/conversation/content.ts';
import type { Draft } from '#web/core/conversation/draft.ts';
import { Expiry } from '#web/core/conversation/expiry.ts';
import { shownOf, viewOf, type Said, type State } from '#web/core/conversation/records.ts';
import { partOf } from '#web/core/conversation/part.ts';
import { countLeaving, entered, retried } from '#web/core/conversation/states.ts';
import type { SessionEnv } from '#web/core/conversation/session-env.ts';
import { Stream } from '#web/core/conversation/stream.ts';
import { isOver, nextEnd } from '#web/core/conversation/thread.ts';
import type { Change } from '#web/core/store/ports.ts';

export type { SessionEnv, SessionEvent } from '#web/core/conversation/session-env.ts';

export type SessionSummary = {
  id: string;
  contact: Uint8Array;
  name: string;
  state: 'requested' | 'active';
  reachable: boolean;
  unread: number;
  leaving: number;
  last: MessageView | null;
  timerMs: number | null;
  /** Items sent since this session was loaded, and how many of those for another time. */
  sent: number;
  resent: number;
};

/** Without `expires` the conversation's timer decides. */
type Answering = { replyTo?: Uint8Array; expires?: Millis };
/** `id`: the message's, where it is known before. */
type With = { id?: Uint8Array; parts?: readonly Content[]; extra?: readonly Change[] };

/** One conversation with a contact: what both have said over its stream, and what this user does in it. */
export class Session extends Stream {
  readonly #expiry: Expiry;

  constructor(env: SessionEnv, state: State) {
    super(env, state);
    this.#expiry = new Expiry(env, () => void this.expire().catch(() => undefined));
    this.#expiry.set(nextEnd(state.messages.values()));
  }

  get summary(): SessionSummary {
    const { contact, name, active, readTo, timer } = this.state.conversation;
    const messages = [...this.state.messages.values()];
    const last = messages.at(-1);
    return {
      id: this.id,
      contact,
      name,
      state: active ? 'active' : 'requested',
      reachable: this.channels.any,
      unread: messages.filter(({ mine, event, position }) => !mine && !event && position >= readTo).length,
      leaving: countLeaving(messages),
      last: last ? viewOf(last) : null,
      timerMs: timer?.ms ?? null,
      sent: this.channels.sent,
      resent: this.channels.resent,
    };
  }

  messages(part?: MessagePart): MessageView[] {
    return partOf(this.state.messages, part).map(viewOf);
  }

  /** By id in hex. */
  holds(messageId: string): boolean {
    return this.state.messages.has(messageId);
  }

  /** `needle` is folded as `foldText` does. */
  search(needle: string): MessageView[] {
    return found(this.state.messages.values(), needle).map(viewOf);
  }

  /** Throws LocalError `too-long`. The message is stored when this resolves, whether or not a channel is open. */
  send(
    text: string,
    { replyTo, expires }: Answering = {},
    extra: readonly Change[] = [],
  ): Promise<MessageView> {
    return this.say({ type: 'text', text, replyTo, expires }, { extra });
  }

  /** What is shown as a message, then what belongs to it, and changes to other tables, stored together. Throws as `send`. */
  async say(
    said: Said,
    { id = this.env.rng(MESSAGE_ID_LENGTH), parts = [], extra = [] }: With = {},
  ): Promise<MessageView> {
    let message: MessageView | undefined;
    await this.run((draft) => {
      const now = this.env.now();
      const content = { ...said, expires: said.expires ?? endOf(draft.thread, now) };
      const whole = { id, mine: true, ...shownOf(content), sentAt: now, state: 'queued' } as const;
      message = viewOf(draft.thread.append(whole, now));
      draft.enqueue(id, encodeEnvelope({ id, time: now, content }), true);
      for (const part of parts) this.#enqueue(draft, part);
      draft.extra.push(...extra);
    });
    const stored = this.state.messages.get(hex(id));
    if (stored) return viewOf(stored);
    if (!message) throw new LocalError('internal', 'a message that was stored is gone');
    return message;
  }

  /** Tells the contact what is no message. Throws LocalError `too-long`. `extra` is written with it, and may be made when its turn comes. */
  async tell(content: Content, extra: readonly Change[] | (() => readonly Change[]) = []): Promise<void> {
    await this.run((draft) => {
      this.#enqueue(draft, content);
      draft.extra.push(...(typeof extra === 'function' ? extra() : extra));
    });
  }

  /** Changes to other tables that are made in this conversation's turn. */
  also(make: () => readonly Change[]): Promise<void> {
    return this.run((draft) => {
      draft.extra.push(...make());
    });
  }

  /** Throws LocalError `not-found`, `too-long`. Null takes it back. */
  react(messageId: string, emoji: string | null): Promise<void> {
    return this.run((draft) => {
      this.#enqueue(draft, react(draft.thread, messageId, emoji));
    });
  }

  /**
   * Here only, or an own message everywhere. What has not left yet never will. Throws LocalError `not-found`, `refused`.
   */
  remove(messageId: string, everywhere: boolean): Promise<void> {
    return this.run((draft) => {
      const message = messageOf(draft.thread, messageId);
      const now = this.env.now();
      if (!everywhere) return draft.thread.remove(message, now);
      const deletion = takeBack(draft.thread, messageId);
      if (draft.withdraw(message.id)) draft.thread.remove(message, now);
      else if (!message.deleted) this.#enqueue(draft, deletion);
    });
  }

  /** New messages of both sides disappear after `ms`; null: they stay. Throws LocalError `refused`. */
  setTimer(ms: number | null): Promise<void> {
    return this.run((draft) => {
      const id = this.env.rng(MESSAGE_ID_LENGTH);
      const { content, at } = changeTimer(draft.thread, ms, { id, now: this.env.now() });
      draft.enqueue(id, encodeEnvelope({ id, time: at, content }), true);
    });
  }

  /** The user has seen everything; the contact hears it, if the user says such things. */
  markRead(): Promise<void> {
    return this.run((draft) => {
      const { nextPosition, readTo } = draft.conversation;
      if (readTo >= nextPosition) return;
      draft.set({ readTo: nextPosition });
      if (!this.env.receipts()) return;
      for (const receipt of readReceipts(draft.thread, readTo)) this.#enqueue(draft, receipt);
    });
  }

  /** The contact can't be reached for good, as far as can be told: everything undelivered has failed. */
  fail(reason: Code): Promise<void> {
    return this.run(({ thread }) => {
      for (const message of thread.all())
        if (message.mine) thread.put(entered(message, 'failed', this.env.now(), reason));
    });
  }

  /** Another try for a message that failed. Throws LocalError `not-found`. */
  retry(messageId: string): Promise<void> {
    return this.run((draft) => {
      const message = messageOf(draft.thread, messageId);
      if (!message.mine) throw new LocalError('not-found', 'no such message');
      if (message.state !== 'failed') return;
      draft.thread.put(retried(message, this.env.now()));
      this.channels.rewind(draft.conversation.acked);
    });
  }

  /** What has come to its end disappears. */
  async expire(): Promise<void> {
    const now = this.env.now();
    if (![...this.state.messages.values()].some((message) => isOver(message, now))) return;
    await this.run(({ thread }) => {
      thread.expire(now);
    });
  }

  override stop(): void {
    super.stop();
    this.#expiry.stop();
  }

  protected override applied({ thread }: Draft): void {
    if (thread.isChanged) this.#expiry.set(nextEnd(this.state.messages.values()));
  }

  #enqueue(draft: Draft, content: Content): void {
    const envelope: Envelope = { id: this.env.rng(MESSAGE_ID_LENGTH), time: this.env.now(), content };
    draft.enqueue(envelope.id, encodeEnvelope(envelope), false);
  }
}

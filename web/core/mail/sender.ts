import { uniformBetween } from '#shared/crypto/rng.ts';
import { MAIL_ID_LENGTH } from '#shared/directory/mail.ts';
import { codeOf, RemoteError, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { Mailbox } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Mail, Taken } from '#web/core/conversation/outgoing.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Host } from '#web/core/host.ts';
import type { Pay } from '#web/core/publisher.ts';
import { inLetters, sealLetter } from './letter.ts';

/** Whoever is gone for longer than this may not be back soon. */
const AWAY_MS: Millis = 10_000;
/** Random, so that what is deposited does not tell when it was written, or that letters are of one sender. */
const DELAY_MS: Millis = 1_500;
/** The directory keeps mail for 14 days; what it no longer holds, and was not acknowledged, is deposited again. */
const GONE_MS: Millis = 15 * 86_400_000;
/** Whoever writes has read what was there long before. Clocks differ by less. */
const UNREAD_MS: Millis = 3_600_000;
const TRIES = 4;
const RETRY_LEAST_MS: Millis = 1_000;
const RETRY_MOST_MS: Millis = 4_000;
/** After a deposit that did not come about; twice as long each time. */
const PAUSE_MS: Millis = 30_000;
const PAUSE_MOST_MS: Millis = 30 * 60_000;

/** With these another circuit may help. */
const passing: readonly Code[] = [
  ...(['timeout', 'unreachable', 'link-lost', 'destroyed', 'refused'] as const),
  ...(['try-later', 'queue-full', 'finished'] as const),
];

/** It waits for the network, or for the contact, as it would without mail. */
const waits: readonly Code[] = [...passing, 'too-small-network', 'no-consensus', 'not-found'];

type Env = {
  ports: Pick<Host['ports'], 'now' | 'rng' | 'timer'>;
  pay: Pay;
  session: Pick<Session, 'mailDue' | 'undelivered' | 'markStored'>;
  /** Where the contact takes what is for them. Rejects with RemoteError; undefined when they have not said. */
  mailbox(): Promise<Mailbox | undefined>;
  /** `held` is another. */
  changed(): void;
};

type Part = { frame: Uint8Array; taken: Taken };

/** Deposits what a contact did not get, once they are away. */
export class Sender {
  readonly #env: Env;
  readonly #channels = new Set<Handle>();
  #awaySince: Millis;
  /** It was looked for them, and they are not there. */
  #absent = false;
  /** What they wrote last is of this time. */
  #heard: Millis = 0;
  #timer: { at: Millis; cancel: () => void } | undefined;
  #pausedTo: Millis = 0;
  #pauseMs = PAUSE_MS;
  #busy = false;
  /** Something happened while it was busy. */
  #again = false;
  #stopped = false;
  /** Why it can't be deposited, but for what it waits for anyway. */
  held: Code | undefined;

  constructor(env: Env) {
    this.#env = env;
    this.#awaySince = env.ports.now();
    this.look();
  }

  opened(channel: Handle): void {
    this.#channels.add(channel);
    this.#absent = false;
    this.#cancel();
    this.#hold(undefined);
  }

  closed(channel: Handle): void {
    if (!this.#channels.delete(channel) || this.#channels.size > 0) return;
    this.#awaySince = this.#env.ports.now();
    this.look();
  }

  absent(): void {
    this.#absent = true;
    this.look();
  }

  /** They wrote, at `time`. */
  heard(time: Millis): void {
    this.#heard = Math.max(this.#heard, Math.min(time, this.#env.ports.now()));
    this.look();
  }

  /** There may be something to deposit. */
  look(): void {
    this.#again = this.#busy;
    if (this.#stopped || this.#busy || this.#channels.size > 0 || !this.#env.session.mailDue) return;
    const { ports } = this.#env;
    const from = this.#absent ? ports.now() : Math.max(ports.now(), this.#awaySince + AWAY_MS);
    const at = Math.max(from, this.#pausedTo) + uniformBetween(ports.rng, DELAY_MS / 3, DELAY_MS);
    if (this.#timer && this.#timer.at <= at) return;
    this.#cancel();
    const run = (): void => {
      this.#timer = undefined;
      void this.#run();
    };
    this.#timer = { at, cancel: ports.timer(at - ports.now(), run) };
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #run(): Promise<void> {
    if (this.#busy || this.#channels.size > 0) return;
    this.#busy = true;
    this.#again = false;
    try {
      await this.#deposit();
      this.#pauseMs = PAUSE_MS;
      this.#hold(undefined);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'internal') console.error(error);
      this.#pausedTo = this.#env.ports.now() + this.#pauseMs;
      this.#pauseMs = Math.min(PAUSE_MOST_MS, 2 * this.#pauseMs);
      this.#hold(waits.includes(code) ? undefined : code);
      this.#again = true;
    }
    this.#busy = false;
    if (this.#again) this.look();
  }

  async #deposit(): Promise<void> {
    const { session, ports } = this.#env;
    const parts = this.#parts(await session.undelivered());
    if (parts.length === 0) return;
    const mailbox = await this.#env.mailbox();
    if (!mailbox) return;
    for (const letter of inLetters(parts)) {
      if (this.#stopped || this.#channels.size > 0) return;
      const frames = letter.map(({ frame }) => frame);
      const blob = sealLetter(ports.rng, mailbox, { time: ports.now(), frames });
      await this.#put(mailbox.mailbox, blob);
      await session.markStored(together(letter.map(({ taken }) => taken)));
      await this.#sleep(DELAY_MS / 3, DELAY_MS);
    }
  }

  /** What is to be deposited of it. A group that the contact has yet to join comes before whatever was said in it. */
  #parts({ welcome, items, ack }: Mail): Part[] {
    const due = items
      .filter(({ stored }) => this.#isDue(stored))
      .map(({ seq, frame }) => ({ frame, taken: { items: [seq] } }));
    const first: Part[] = [];
    if (welcome && (due.length > 0 || this.#isDue(welcome.stored)))
      first.push({ frame: welcome.frame, taken: { welcome: true } });
    // Last: a commit among the items may be what makes its key known.
    const last = ack ? [{ frame: ack.frame, taken: { ack: ack.upTo } }] : [];
    return [...first, ...due, ...last];
  }

  #isDue(stored: Millis | undefined): boolean {
    if (stored === undefined) return true;
    return this.#env.ports.now() - stored > GONE_MS || this.#heard - stored > UNREAD_MS;
  }

  /** The same letter each time, which is stored once. Each try goes over another circuit. */
  async #put(mailbox: Uint8Array, blob: Uint8Array): Promise<void> {
    const { pay, ports } = this.#env;
    const id = ports.rng(MAIL_ID_LENGTH);
    for (let left = TRIES; ; left--) {
      try {
        const answer = await pay('mailbox', { type: 'deposit', mailbox, id, blob });
        if (answer.type !== 'ok') throw new RemoteError('unexpected', 'not ok');
        return;
      } catch (error) {
        if (left === 1 || this.#stopped || !passing.includes(codeOf(error))) throw error;
        await this.#sleep(RETRY_LEAST_MS, RETRY_MOST_MS);
      }
    }
  }

  #sleep(least: Millis, most: Millis): Promise<void> {
    const { ports } = this.#env;
    return new Promise((done) => ports.timer(uniformBetween(ports.rng, least, most), done));
  }

  #hold(code: Code | undefined): void {
    if (this.held === code) return;
    this.held = code;
    this.#env.changed();
  }
}

const together = (all: readonly Taken[]): Taken => ({
  welcome: all.some(({ welcome }) => welcome === true),
  items: all.flatMap(({ items }) => items ?? []),
  ack: Math.max(0, ...all.map(({ ack }) => ack ?? 0)),
});

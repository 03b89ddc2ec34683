import { hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import {
  mailboxId,
  MOST_COLLECTED,
  MOST_COLLECTED_BYTES,
  verifyAcknowledge,
  verifyCollect,
} from '#shared/directory/mail.ts';
import { pushCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Archive, MailRecord } from '../stores/ports.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';
import { MOST_MAILBOXES } from './limits.ts';
import type { Routing } from './routing.ts';

/** How long a message waits for its reader. */
export const MAIL_LIFE_MS: Millis = 14 * 24 * 3_600_000;
/** Bytes of blobs that one mailbox holds. */
export const MAILBOX_QUOTA = 4 * 1024 * 1024;

export type MailboxOptions = { archive: Archive; routing: Routing };

/** Takes sealed messages for readers who are not there. Who sent them, and who reads them, the directory can't tell. */
export class Deposit implements Service<'deposit'> {
  readonly #options: MailboxOptions;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Throws `too-many` when the mailbox is full. The same message again is answered as it was at first. */
  async handle(request: RequestOf<'deposit'>, _circuit: Circuit, now: Millis): Promise<typeof ok> {
    const { mailbox, id, blob } = request;
    const record = { mailbox, id, blob, at: now, expires: now + MAIL_LIFE_MS };
    const outcome = await this.#options.archive.deposit(record, MAILBOX_QUOTA);
    if (outcome === 'full') throw new RemoteError('too-many', 'bytes in one mailbox');
    await this.#wake(mailbox);
    return ok;
  }

  /** The message is stored, whether or not its reader can be woken now. */
  async #wake(mailbox: Uint8Array): Promise<void> {
    try {
      await this.#options.routing.send(hex(mailbox), encode(pushCodec, { type: 'mail', mailbox }));
    } catch (error) {
      if (codeOf(error) !== 'storage') throw error;
    }
  }
}

/** Hands a mailbox's messages to its owner, and wakes the circuit when more come. */
export class Collect implements Service<'collect'> {
  readonly #options: MailboxOptions;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Throws `bad-signature`. */
  async handle(request: RequestOf<'collect'>, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    if (!verifyCollect(circuit.binding, request)) throw new RemoteError('bad-signature');
    const mailbox = mailboxId(request.key);
    // Before the messages are read, so that none comes between the two.
    const woken = await this.#listen(hex(mailbox), circuit);
    const found = await this.#options.archive.mail(mailbox, MOST_COLLECTED + 1, now);
    const messages = fitting(found).map(({ id, blob }) => ({ id, blob }));
    return { type: 'mail', state: { more: messages.length < found.length, woken }, messages };
  }

  async #listen(address: string, circuit: Circuit): Promise<boolean> {
    if (!circuit.mailboxes.has(address) && circuit.mailboxes.size >= MOST_MAILBOXES) return false;
    circuit.mailboxes.add(address);
    await this.#options.routing.add(address, circuit);
    return true;
  }
}

/** The first of them that one answer has room for. */
const fitting = (found: MailRecord[]): MailRecord[] => {
  let bytes = 0;
  return found.slice(0, MOST_COLLECTED).filter(({ blob }) => (bytes += blob.length) <= MOST_COLLECTED_BYTES);
};

/** Erases what a reader has stored. */
export class Acknowledge implements Service<'acknowledge'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `bad-signature`. */
  async handle(request: RequestOf<'acknowledge'>, circuit: Circuit): Promise<typeof ok> {
    if (!verifyAcknowledge(circuit.binding, request)) throw new RemoteError('bad-signature');
    if (request.ids.length > 0) await this.#archive.removeMail(mailboxId(request.key), request.ids);
    return ok;
  }
}

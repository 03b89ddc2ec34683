import { hex, unhex } from '#shared/bytes/bytes.ts';
import { bytes, list, mapped, struct, u32, u64, type Codec } from '#shared/bytes/codec.ts';
import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { MailRecord } from './ports.ts';
import { Turns } from './turns.ts';

/** A mailbox holds fewer, for each is of some size. */
const MOST_ENTRIES = 0xffff;

/** One message of a mailbox, as its ledger counts it. Ids are hex, since that is what entries are compared by. */
export type Entry = { id: string; size: number; at: Millis; expires: Millis };

/** count (2) ‖ messages, oldest first: id (length-prefixed, 2) ‖ size (4) ‖ at (8) ‖ expires (8). */
export const entriesCodec: Codec<Entry[]> = list(
  struct({ id: mapped(bytes(32), hex, unhex), size: u32, at: u64, expires: u64 }),
  MOST_ENTRIES,
);

/** Which messages a mailbox holds, in one document; every change gives it another version. */
export type Ledger = { version: string; entries: Entry[] };

/** An entry without its message after this long is one whose server died in between. */
const PENDING_MS: Millis = 60_000;
/** Tries to change a ledger that other servers change at the same time. */
const MOST_TRIES = 50;
const LONGEST_WAIT_MS: Millis = 20;

const FETCHED_AT_ONCE = 16;

export type MailboxPorts = {
  ledger(mailbox: string): Promise<Ledger | undefined>;
  /** Puts the entries in place of the ledger of that version, or of none: false when another one stands there. */
  setLedger(mailbox: string, version: string | undefined, entries: Entry[]): Promise<boolean>;
  /** Those of the ids under which a message is stored. */
  stored(mailbox: string, ids: string[]): Promise<string[]>;
  message(mailbox: string, id: string): Promise<MailRecord | undefined>;
  /** False, and nothing is stored, when a message stands there that is not expired at the new one's time. */
  addMessage(record: MailRecord): Promise<boolean>;
  removeMessages(mailbox: string, ids: string[]): Promise<void>;
};

/**
 * Mailboxes with a strict quota, on documents that change one at a time: a message is entered in its mailbox's ledger,
 * which takes no more than the quota, and then stored. It is there when it is stored. A server that dies between the two
 * steps leaves an entry without a message, which is struck out when room is short.
 */
export class Mailboxes {
  readonly #ports: MailboxPorts;
  readonly #turns = new Turns();

  constructor(ports: MailboxPorts) {
    this.#ports = ports;
  }

  deposit(record: MailRecord, quota: number): Promise<'stored' | 'full'> {
    const mailbox = hex(record.mailbox);
    return this.#turns.take(mailbox, async () => {
      if (!(await this.#change(mailbox, (entries) => this.#entered(mailbox, entries, record, quota))))
        return 'full';
      await this.#ports.addMessage(record);
      return 'stored';
    });
  }

  /** In the order of the ledger. */
  async collect(mailboxId: Uint8Array, most: number, now: Millis): Promise<MailRecord[]> {
    const mailbox = hex(mailboxId);
    const entries = (await this.#ports.ledger(mailbox))?.entries ?? [];
    const ids = entries.filter(({ expires }) => expires > now).map(({ id }) => id);
    const found: MailRecord[] = [];
    for (let at = 0; at < ids.length && found.length < most; at += FETCHED_AT_ONCE) {
      const some = ids.slice(at, at + FETCHED_AT_ONCE).map((id) => this.#ports.message(mailbox, id));
      for (const message of await Promise.all(some)) if (message) found.push(message);
    }
    return found.slice(0, most);
  }

  remove(mailboxId: Uint8Array, messageIds: Uint8Array[]): Promise<void> {
    const [mailbox, ids] = [hex(mailboxId), messageIds.map(hex)];
    return this.#turns.take(mailbox, async () => {
      if (ids.length === 0) return;
      await this.#ports.removeMessages(mailbox, ids);
      await this.#change(mailbox, (entries) => {
        const left = entries.filter((entry) => !ids.includes(entry.id));
        return Promise.resolve(left.length < entries.length ? left : entries);
      });
    });
  }

  /** The ledger's entries with the message; undefined when there is no room for it. */
  async #entered(
    mailbox: string,
    entries: Entry[],
    record: MailRecord,
    quota: number,
  ): Promise<Entry[] | undefined> {
    const { at, expires, blob } = record;
    const id = hex(record.id);
    const entry = { id, size: blob.length, at, expires };
    const valid = entries.filter((each) => each.expires > at);
    if (valid.some((each) => each.id === id)) return entries;
    if (sizeOf(valid) + entry.size <= quota) return [...valid, entry];
    const old = valid.filter((each) => each.at + PENDING_MS < at).map((each) => each.id);
    const stored = old.length > 0 ? await this.#ports.stored(mailbox, old) : [];
    const kept = valid.filter((each) => !old.includes(each.id) || stored.includes(each.id));
    return sizeOf(kept) + entry.size <= quota ? [...kept, entry] : undefined;
  }

  /** False when `change` gives nothing. */
  async #change(
    mailbox: string,
    change: (entries: Entry[]) => Promise<Entry[] | undefined>,
  ): Promise<boolean> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const ledger = await this.#ports.ledger(mailbox);
      const before = ledger?.entries ?? [];
      const after = await change(before);
      if (!after) return false;
      if (after === before) return true;
      if (await this.#ports.setLedger(mailbox, ledger?.version, after)) return true;
      // Servers that collided don't go on in step.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_WAIT_MS));
    }
    throw new LocalError('storage', 'too many servers change one mailbox at the same time');
  }
}

const sizeOf = (entries: Entry[]): number => entries.reduce((sum, { size }) => sum + size, 0);

import { hex } from '#shared/bytes/bytes.ts';
import { Held } from '#web/core/files/held.ts';
import { erasedFile, idOf, isOfGroup, readRecord, type FileRecord } from '#web/core/files/records.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Store } from '#web/core/store/ports.ts';

type Shows = Pick<Session, 'id' | 'messages'>;

type Env = {
  store: Store;
  /** Every conversation with a contact. */
  sessions(): Shows[];
};

/** All files that are known here, each by its id, of which the first file is the one. */
export class Book {
  readonly #env: Env;
  readonly #held = new Map<string, Held>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Rejects with LocalError `storage`. */
  async load(): Promise<void> {
    const { store, sessions } = this.#env;
    const talks = sessions();
    for (const [, stored] of await store.all('files')) {
      const record = readRecord(stored);
      const nowhere = !isOfGroup(record) && !talks.some(({ id }) => id === record.conversation);
      // What became of its conversation adopts it.
      const lost = nowhere && !talks.some((talk) => shows(talk, record));
      if (record.state === 'making' || lost) await store.write(erasedFile(record));
      else this.add(record);
    }
  }

  add(record: FileRecord): Held {
    const held = new Held(this.#env.store, record);
    this.#held.set(idOf(record), held);
    return held;
  }

  get(id: string): Held | undefined {
    return this.#held.get(id);
  }

  remove(held: Held): void {
    if (this.#held.get(idOf(held.record)) === held) this.#held.delete(idOf(held.record));
  }

  of(conversation: string): Held[] {
    return [...this.#held.values()].filter(({ record }) => record.conversation === conversation);
  }

  /** In one conversation. */
  named(conversation: string, file: Uint8Array): Held | undefined {
    const held = this.#held.get(hex(file));
    return held?.record.conversation === conversation ? held : undefined;
  }

  /** Those that came with one of these messages. */
  with(conversation: string, messages: readonly string[]): Held[] {
    return this.of(conversation).filter(({ record }) => messages.includes(hex(record.message)));
  }

  /** The files of a conversation that became this one. */
  adopt(talk: Shows): void {
    const ids = new Set(this.#env.sessions().map(({ id }) => id));
    for (const held of this.#held.values()) {
      const { record } = held;
      if (isOfGroup(record) || ids.has(record.conversation) || !shows(talk, record)) continue;
      held.record = { ...record, conversation: talk.id };
      held.saveSoon();
    }
  }
}

const shows = (talk: Shows, record: FileRecord): boolean =>
  talk.messages().some(({ id, file }) => file === idOf(record) && id === hex(record.message));

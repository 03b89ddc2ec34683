import { fileKeys, type FileKeys } from '#web/core/files/sealing.ts';
import { storedFile, type FileRecord } from '#web/core/files/records.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** One file: its record as it now is, and what is done about it in the store, one after another. */
export class Held {
  record: FileRecord;
  readonly #store: Store;
  #tail: Promise<unknown> = Promise.resolve();
  #keys: FileKeys | undefined;
  #due = false;

  constructor(store: Store, record: FileRecord) {
    this.#store = store;
    this.record = record;
  }

  get keys(): FileKeys {
    return (this.#keys ??= fileKeys(this.record.offer));
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Stores the record as it is when its turn comes, and other changes. */
  save(changes: readonly Change[] = []): Promise<void> {
    return this.inTurn(() => this.#store.write([storedFile(this.record), ...changes]));
  }

  /** The same, for what may be lost in a crash, and not more often than the store can take. */
  saveSoon(): void {
    if (this.#due) return;
    this.#due = true;
    this.inTurn(async () => {
      this.#due = false;
      await this.#store.write([storedFile(this.record)]);
    }).catch(() => undefined);
  }
}

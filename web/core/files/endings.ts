import { hex } from '#shared/bytes/bytes.ts';
import { codeOf, type Code } from '#shared/errors.ts';
import type { Held } from '#web/core/files/held.ts';
import { isWhole } from '#web/core/files/pieces.ts';
import { erasedFile, erasedPieces, isSmall, storedFile, type FileRecord } from '#web/core/files/records.ts';
import type { ContentOf } from '#web/core/conversation/content.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

type Env = {
  store: Store;
  /** Tells a contact; whoever is none is told nothing, and the changes are written by themselves. */
  say(conversation: string, content: ContentOf<'file-end'>, changes: readonly Change[]): Promise<void>;
  /** Nothing more of it moves. */
  stop(held: Held): void;
  changed(held: Held): void;
};

/** Files that a contact asks for though they are not sent (any more), and was told so. */
const MOST_REFUSED = 64;

/** How a file comes to its end on this side. */
export class Endings {
  readonly #env: Env;
  readonly #refused = new Set<string>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** All of it is here: is it what was offered? */
  finish(held: Held): void {
    this.#check(held).catch(() => this.fail(held, 'storage'));
  }

  /** For this side it is over, and the other hears so. */
  async end(held: Held, fields: Pick<FileRecord, 'state' | 'done'> & { reason?: Code }): Promise<void> {
    const before = held.record;
    const next = { ...before, reason: undefined, ...fields };
    held.record = next;
    this.#env.stop(held);
    const changes = [storedFile(next), ...(next.state === 'done' ? [] : erasedPieces(next))];
    const content = { type: 'file-end', file: next.offer.file, done: next.done } as const;
    try {
      await held.inTurn(() => this.#env.say(next.conversation, content, changes));
    } catch (error) {
      held.record = before;
      throw error;
    }
    this.#env.changed(held);
  }

  /** Here something is wrong. It is not stored, for that may be what is wrong. */
  fail(held: Held, reason: Code): void {
    if (held.record.state !== 'moving') return;
    this.#env.stop(held);
    held.record = { ...held.record, state: 'failed', reason };
    this.#env.changed(held);
  }

  /** Its message is no more. */
  drop(held: Held): void {
    const { record } = held;
    const { conversation, offer, mine, state } = record;
    this.#env.stop(held);
    held.record = { ...record, state: 'cancelled' };
    const awaited = !isSmall(record) && (state === 'moving' || (mine && state === 'offered'));
    const content = { type: 'file-end', file: offer.file, done: 0 } as const;
    held
      .inTurn(() =>
        awaited
          ? this.#env.say(conversation, content, erasedFile(record))
          : this.#env.store.write(erasedFile(record)),
      )
      .catch(() => undefined);
  }

  /** Who waits for what will not come is told so, once. */
  refuse(conversation: string, file: Uint8Array): void {
    const name = `${conversation}/${hex(file)}`;
    if (this.#refused.has(name) || this.#refused.size >= MOST_REFUSED) return;
    this.#refused.add(name);
    this.#env.say(conversation, { type: 'file-end', file, done: 0 }, []).catch(() => undefined);
  }

  async #check(held: Held): Promise<void> {
    const whole = await isWhole(this.#env.store, held.record).catch((error: unknown) => {
      if (codeOf(error) === 'not-found') return false;
      throw error;
    });
    if (held.record.state !== 'moving') return;
    const { size } = held.record.offer;
    if (whole) await this.end(held, { state: 'done', done: size });
    else await this.end(held, { state: 'failed', done: 0, reason: 'malformed' });
  }
}

import { decode, encode, text } from '#shared/bytes/codec.ts';
import { LocalError } from '#shared/errors.ts';
import { checkLength, MAX_TEXT } from '#web/core/conversation/content.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

const codec = text(MAX_TEXT);

/** What the user began to write and has not sent, by conversation. */
export class Unsent implements Feature {
  readonly #store: Store;
  #texts = new Map<string, string>();

  constructor({ store }: Pick<FeatureEnv, 'store'>) {
    this.#store = store;
  }

  /** Rejects with LocalError `storage`. */
  async load(): Promise<void> {
    const records = await this.#store.all('drafts');
    try {
      this.#texts = new Map(records.map(([id, value]) => [id, decode(codec, value)]));
    } catch {
      throw new LocalError('storage', 'a stored draft does not parse');
    }
  }

  of(conversation: string): string {
    return this.#texts.get(conversation) ?? '';
  }

  /** Throws LocalError `too-long`. */
  async save(conversation: string, written: string): Promise<void> {
    checkLength(written, MAX_TEXT);
    const value = written === '' ? undefined : encode(codec, written);
    await this.#store.write([{ table: 'drafts', key: conversation, value }]);
    this.#set(conversation, written);
  }

  /** The change that takes it away, for who writes it with another; `sent` is to follow. */
  taken(conversation: string): Change[] {
    return this.#texts.has(conversation) ? [{ table: 'drafts', key: conversation, value: undefined }] : [];
  }

  ended(conversation: string): readonly Change[] {
    const change = this.taken(conversation);
    this.#set(conversation, '');
    return change;
  }

  sent(conversation: string): void {
    this.#set(conversation, '');
  }

  #set(conversation: string, written: string): void {
    if (written === '') this.#texts.delete(conversation);
    else this.#texts.set(conversation, written);
  }
}

import { SvelteMap } from 'svelte/reactivity';
import type { FileAbout } from '#web/api.ts';
import { prepareImage } from '#web/media/image.ts';
import { t } from '../i18n/text.ts';
import { MOST_BYTES, MOST_FILES, shownName } from '../view/files.ts';
import { sizeOf } from '../view/helping.ts';
import type { ClientStore } from './client.svelte.ts';
import { urlOf } from './contents.svelte.ts';

/** A file that is to be sent. `cleaned`: a picture drawn anew, without what the camera wrote into it; `as-is`: a picture
 * of a kind that can't be. */
export type Attached = {
  id: number;
  name: string;
  content: Blob;
  type: string;
  preview: Uint8Array | null;
  /** URL of a picture of it. */
  thumb: string | null;
  state: 'preparing' | 'cleaned' | 'as-is' | 'plain';
};

/** What is attached to the message that is being written, by conversation. */
export class Attachments {
  readonly #store: ClientStore;
  readonly #items = new SvelteMap<string, Attached[]>();
  readonly #freeing = new Map<number, () => void>();
  readonly #preparing = new Map<number, Promise<void>>();
  #ids = 0;

  constructor(store: ClientStore) {
    this.#store = store;
  }

  of(conversation: string): Attached[] {
    return this.#items.get(conversation) ?? [];
  }

  /** Something is attached somewhere. */
  get any(): boolean {
    return [...this.#items.values()].some((items) => items.length > 0);
  }

  add(conversation: string, files: File[]): void {
    for (const file of files) {
      const name = shownName(file.name);
      if (this.of(conversation).length >= MOST_FILES)
        return this.#store.notify(t('composer.tooManyFiles', { count: MOST_FILES }), 'error');
      if (file.size > MOST_BYTES)
        this.#store.notify(t('composer.tooLarge', { name, size: sizeOf(MOST_BYTES) }), 'error');
      else if (file.size === 0) this.#store.notify(t('composer.emptyFile', { name }), 'error');
      else this.#addOne(conversation, file, name);
    }
  }

  remove(conversation: string, id: number): void {
    this.#freeing.get(id)?.();
    this.#freeing.delete(id);
    this.#items.set(
      conversation,
      this.of(conversation).filter((one) => one.id !== id),
    );
  }

  /** All of a conversation's, once they are ready; nothing is attached to it afterwards. */
  async take(conversation: string): Promise<Attached[]> {
    const ids = this.of(conversation).map((one) => one.id);
    await Promise.all(ids.map((id) => this.#preparing.get(id)));
    const taken = this.of(conversation).filter((one) => ids.includes(one.id));
    for (const id of ids) this.remove(conversation, id);
    return taken;
  }

  giveBack(conversation: string, one: Attached): void {
    this.#items.set(conversation, [...this.of(conversation), { ...one, thumb: null }]);
  }

  #addOne(conversation: string, file: File, name: string): void {
    const id = ++this.#ids;
    const bare = { id, name, content: file, type: file.type, preview: null, thumb: null };
    const plain = /^(audio|video|text)\//.test(file.type);
    const state = plain ? ('plain' as const) : ('preparing' as const);
    this.#items.set(conversation, [...this.of(conversation), { ...bare, state }]);
    if (plain) return;
    const prepared = this.#prepare(file).then(
      (part) => this.#change(conversation, id, part),
      () => {
        this.remove(conversation, id);
        this.#store.notify(t('composer.unreadable', { name }), 'error');
      },
    );
    this.#preparing.set(
      id,
      prepared.finally(() => this.#preparing.delete(id)),
    );
  }

  /** What a file is shows in its first bytes, whatever it is called. Rejects for a picture that can't be cleaned. */
  async #prepare(file: File): Promise<Partial<Attached>> {
    const { content, preview, type, cleaned } = await prepareImage(file);
    if (cleaned)
      return { content, preview, type, name: renamed(shownName(file.name), type), state: 'cleaned' };
    return { preview, state: file.type.startsWith('image/') ? 'as-is' : 'plain' };
  }

  #change(conversation: string, id: number, part: Partial<Attached>): void {
    let thumb: string | null = null;
    if (part.preview && this.of(conversation).some((one) => one.id === id)) {
      const { url, free } = urlOf(part.preview as BlobPart, 'image/jpeg');
      thumb = url;
      this.#freeing.set(id, free);
    }
    const changed = this.of(conversation).map((one) => (one.id === id ? { ...one, ...part, thumb } : one));
    this.#items.set(conversation, changed);
  }
}

const endings: Record<string, string> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' };

/** A picture that was drawn anew may be of another type than its name said. */
export function renamed(name: string, type: string): string {
  const ending = endings[type];
  if (!ending || (ending === 'jpg' && /\.jpe?g$/i.test(name))) return name;
  return `${name.replace(/\.[^.]{1,5}$/, '')}.${ending}`;
}

export const aboutOf = (one: Attached): FileAbout => ({
  name: one.name,
  type: one.type || 'application/octet-stream',
  preview: one.preview,
  voice: null,
});

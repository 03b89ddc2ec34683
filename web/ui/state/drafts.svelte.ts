import { SvelteMap } from 'svelte/reactivity';
import type { ConversationView } from '#web/api.ts';
import type { ClientStore } from './client.svelte.ts';

const saveAfterMs = 400;

/** Unsent text by conversation, kept by the core soon after each change. */
export class Drafts {
  readonly #store: ClientStore;
  /** What was written in this tab; newer than what the core says. */
  readonly #written = new SvelteMap<string, string>();
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(store: ClientStore) {
    this.#store = store;
  }

  text(conversation: ConversationView): string {
    return this.#written.get(conversation.id) ?? conversation.draft;
  }

  write(conversation: string, text: string): void {
    this.#written.set(conversation, text);
    clearTimeout(this.#due.get(conversation));
    const timer = setTimeout(() => void this.#save(conversation), saveAfterMs);
    this.#due.set(conversation, timer);
  }

  /** It is being sent: the field is empty, while the core keeps the text until `settle`. */
  hide(conversation: string): void {
    void this.flush();
    this.#written.set(conversation, '');
  }

  /** The core keeps what stands in the field now. */
  settle(conversation: string): void {
    void this.#save(conversation);
  }

  /** Keeps at once what still waits to be kept: the tab may end at any time. */
  async flush(): Promise<void> {
    await Promise.all([...this.#due.keys()].map((conversation) => this.#save(conversation)));
  }

  async #save(conversation: string): Promise<void> {
    clearTimeout(this.#due.get(conversation));
    this.#due.delete(conversation);
    const text = this.#written.get(conversation) ?? '';
    await this.#store.attempt(this.#store.client.saveDraft(conversation, text));
  }
}

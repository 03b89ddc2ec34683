import { createContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { Attachments } from './attached.svelte.ts';
import type { ClientStore } from './client.svelte.ts';
import { Drafts } from './drafts.svelte.ts';
import { go, to } from './route.svelte.ts';

/** What the person is about, in the threads of this tab. */
export class ThreadState {
  readonly drafts: Drafts;
  readonly attached: Attachments;
  /** The message that is being answered, by conversation. */
  readonly replies = new SvelteMap<string, string>();
  /** The message to be brought into view once its thread shows it. */
  target = $state.raw<{ conversation: string; message: string } | null>(null);

  searching = $state(false);

  constructor(store: ClientStore) {
    this.drafts = new Drafts(store);
    this.attached = new Attachments(store);
  }

  jump(conversation: string, message: string): void {
    this.target = { conversation, message };
    go(to.chat(conversation));
  }
}

export const [useThreads, provideThreads] = createContext<ThreadState>();

import { SvelteMap } from 'svelte/reactivity';

/** Unsent text by conversation, for as long as the tab lives. */
export const drafts = new SvelteMap<string, string>();

import { MediaQuery } from 'svelte/reactivity';

const narrow = new MediaQuery('max-width: 599.98px');

/** On a phone a pane stands alone, and what the list beside it is headed with has to be said in it. */
export const standsAlone = (): boolean => narrow.current;

import type { FileView } from '#web/api.ts';
import { shownName } from '../view/files.ts';
import type { ClientStore } from './client.svelte.ts';

/** A URL of a file's preview or content, for as long as something shows it. */
export function urlOf(content: BlobPart, type: string): { url: string; free: () => void } {
  const url = URL.createObjectURL(new Blob([content], { type }));
  return { url, free: () => URL.revokeObjectURL(url) };
}

/** Hands a file to the browser's downloads. Its type is taken from it: nothing of it may run as a page of this origin. */
export async function saveFile(store: ClientStore, file: FileView): Promise<void> {
  const content = await store.client.fileContent(file.id);
  const { url, free } = urlOf(content, 'application/octet-stream');
  const link = document.createElement('a');
  link.href = url;
  link.download = shownName(file.name);
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(free, 60_000);
}

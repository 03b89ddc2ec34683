import type { ClientApi } from '#web/api.ts';

/** What this browser holds of the app, held against the list that the server signed. */
export type ReleaseCheck = {
  version: string;
  /** SHA-256 of the list, in hex: the same for everybody who was given the same program. */
  hash: string;
  /** By the directory that this client follows. */
  signed: boolean;
  /** How many files that are here are as the list says, and the paths of those that are not. */
  right: number;
  wrong: string[];
};

type List = { version: string; files: Record<string, string> };

/** Rejects when the list can't be had, as in a build for development. */
export async function checkRelease({ isSigned }: Pick<ClientApi, 'isSigned'>): Promise<ReleaseCheck> {
  const [list, signature] = await Promise.all([bytesOf('/release.json'), bytesOf('/release.sig')]);
  if (!list) throw new Error('there is no list');
  const { version, files } = JSON.parse(new TextDecoder().decode(list)) as List;
  const loaded = pathsOfPage();
  const wrong: string[] = [];
  let right = 0;
  for (const [path, hash] of Object.entries(files)) {
    const content = await contentHere(path, loaded);
    if (!content) continue;
    if ((await sha256(content)) === hash) right += 1;
    else wrong.push(path);
  }
  const signed = signature !== null && (await isSigned(list, signature));
  return { version, hash: await sha256(list), signed, right, wrong };
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const response = await fetch(path);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

/** What this page was made of. */
function pathsOfPage(): Set<string> {
  const urls = performance.getEntriesByType('resource').map(({ name }) => new URL(name));
  const own = urls.filter(({ origin }) => origin === location.origin);
  return new Set([...own.map(({ pathname }) => pathname), '/index.html']);
}

/** As it is kept for the next start, or else as the page was given it; null for what is not on this device. */
async function contentHere(path: string, loaded: Set<string>): Promise<Uint8Array<ArrayBuffer> | null> {
  // A worker's own script can't be looked at, and the server may have the next one already.
  if (path === '/sw.js') return null;
  const { caches } = globalThis as { caches?: CacheStorage };
  const kept = await caches?.match(path);
  if (kept) return new Uint8Array(await kept.arrayBuffer());
  return loaded.has(path) ? bytesOf(path) : null;
}

async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One release of the app in one cache of its own, so that no page ever meets files of two. */

/** What the build wrote into this worker: `shell` is what the app cannot be without, each path with its SHA-256 in hex; `lazy` is fetched when it is needed. */
type Release = { id: string; shell: Record<string, string>; lazy: string[] };
declare const RELEASE: Release;

const { id, shell, lazy } = RELEASE;
const PREFIX = 'hourglass ';
const own = `${PREFIX}${id}`;

export const PAGE = '/index.html';
/** The list of all files with their hashes, and the directory's signature of it. */
const LIST = '/release.json';
const SIGNATURE = '/release.sig';
/** What stands here has a hash of its content in its name. */
const HASHED = '/assets/';

/** A path without the hash of its content, which a later release has under another one. */
const stem = (path: string): string => path.replace(/-[\w-]{8}(?=\.\w+$)/, '');

const integrityOf = (hash: string): string => {
  const bytes = (hash.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
};

/** Rejects unless every file of the shell came, and came as the build had made it. */
export const install = async (): Promise<void> => {
  const cache = await caches.open(own);
  await keepList(cache);
  await Promise.all(
    Object.entries(shell).map(async ([path, hash]) => {
      await cache.put(path, await genuine(path, hash));
    }),
  );
  await Promise.all((await usedBefore()).map((path) => keep(path)));
};

/** The server may be about to change from one release to the next: then this one is tried again later. */
const keepList = async (cache: Cache): Promise<void> => {
  const list = await fetched(LIST, { cache: 'no-store' });
  const { files } = (await list.clone().json()) as { files: Record<string, string> };
  if (Object.entries(shell).some(([path, hash]) => files[path] !== hash))
    throw new TypeError('the list is of another release');
  await cache.put(LIST, list);
  const signature = await fetch(SIGNATURE, { cache: 'no-store' });
  if (signature.ok) await cache.put(SIGNATURE, signature);
};

/** The file that the build had made, or none. */
const genuine = (path: string, hash: string): Promise<Response> =>
  fetched(path, { integrity: integrityOf(hash), cache: path.startsWith(HASHED) ? 'default' : 'no-cache' });

const fetched = async (path: string, init: RequestInit): Promise<Response> => {
  const response = await fetch(path, init);
  if (!response.ok) throw new TypeError(`${path}: ${String(response.status)}`);
  return response;
};

/** What had been fetched lazily in an earlier release, as this one has it: it is needed offline too. */
const usedBefore = async (): Promise<string[]> => {
  const stems = new Set<string>();
  for (const name of await others())
    for (const request of await (await caches.open(name)).keys()) stems.add(stem(pathOf(request.url)));
  return lazy.filter((path) => stems.has(stem(path)));
};

const others = async (): Promise<string[]> =>
  (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== own);

export const dropOthers = async (): Promise<void> => {
  await Promise.all((await others()).map((name) => caches.delete(name)));
};

/** Keeps these as well, as far as they are files of this release. */
export const keepUsed = async (paths: readonly string[]): Promise<void> => {
  const cache = await caches.open(own);
  for (const path of lazy.filter((each) => paths.includes(each)))
    if (!(await cache.match(path))) await keep(path);
};

/** Nothing depends on it: where there is no room, it is fetched again when it is needed. */
const keep = async (path: string): Promise<void> => {
  try {
    const response = await fetch(path);
    if (response.ok) await (await caches.open(own)).put(path, response);
  } catch {
    // Offline, or full.
  }
};

export const pathOf = (url: string): string => {
  const { pathname } = new URL(url);
  return pathname === '/' ? PAGE : pathname;
};

/** From the cache; undefined for what is not this worker's to answer. */
export const answer = (request: Request): Promise<Response> | undefined => {
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return undefined;
  const path = pathOf(request.url);
  const isOwn = path in shell || path === LIST || path === SIGNATURE;
  return isOwn || lazy.includes(path) ? stored(path, request) : undefined;
};

const stored = async (path: string, request: Request): Promise<Response> => {
  const cache = await caches.open(own);
  const found = await cache.match(path);
  if (found) return found;
  const hash = shell[path];
  // Somebody emptied the cache. A server that has another release by now must not mix it with this one.
  const response = hash === undefined ? undefined : await genuine(path, hash).catch(() => undefined);
  if (hash !== undefined && !response) return fetch(request);
  const fresh = response ?? (await fetch(request));
  // Nothing depends on it, so a full disk is no matter.
  if (fresh.ok) await cache.put(path, fresh.clone()).catch(() => undefined);
  return fresh;
};

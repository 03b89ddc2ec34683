/** A server that is away, or whose credentials are good for a moment only, is not asked more often than this. */
const LEAST_MS = 20_000;

export const hasTurn = (iceServers: RTCIceServer[]): boolean =>
  iceServers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));

/** When the first of the credentials ends, ms since 1970: a name that begins with `expiry:` says it in seconds. */
const endOf = (iceServers: RTCIceServer[]): number | undefined => {
  const ends = iceServers.flatMap(({ username = '' }) => /^(\d+):/.exec(username)?.[1] ?? []);
  return ends.length > 0 ? Math.min(...ends.map(Number)) * 1_000 : undefined;
};

/**
 * Has others fetched when half of the time of these credentials is over, and so on; those at hand stay while nothing better comes.
 * What is returned ends it.
 */
export const keepFresh = (
  iceServers: RTCIceServer[],
  fetchFresh: () => Promise<RTCIceServer[]>,
  use: (iceServers: RTCIceServer[]) => void,
): (() => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const wait = (known: RTCIceServer[]): void => {
    const end = endOf(known);
    if (ended || end === undefined) return;
    timer = setTimeout(() => void refresh(known), Math.max(LEAST_MS, (end - Date.now()) / 2));
  };
  const refresh = async (known: RTCIceServer[]): Promise<void> => {
    const fresh = await fetchFresh().catch((): RTCIceServer[] => []);
    if (ended) return;
    if (fresh.length > 0) use(fresh);
    wait(fresh.length > 0 ? fresh : known);
  };
  wait(iceServers);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
};

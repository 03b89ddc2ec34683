/**
 * What a page can try by itself, without the core: whether WebRTC works here, whether STUN and TURN servers answer, and
 * what the server's clock says. Nothing of what is gathered on the way leaves these functions.
 */

/** A connection within a page is up in well under a second. */
const LOOPBACK_MS = 6_000;
/** Browsers ask a silent STUN server for some ten seconds. */
const GATHER_MS = 10_000;

/** Resolves with `otherwise` when `work` takes longer or fails. */
const within = <T>(ms: number, otherwise: T, work: (done: (value: T) => void) => Promise<void>): Promise<T> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    const done = (value: T): void => {
      clearTimeout(timer);
      resolve(value);
    };
    work(done).catch(() => done(otherwise));
  });

/** Two connections of this page, and a message from the one to the other. */
export const tryLoopback = async (
  keepCandidate: (address: string) => boolean,
): Promise<'ok' | 'absent' | 'failed'> => {
  if (typeof RTCPeerConnection !== 'function') return 'absent';
  const ends: RTCPeerConnection[] = [];
  try {
    return await within<'ok' | 'failed'>(LOOPBACK_MS, 'failed', async (done) => {
      const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
      ends.push(near, far);
      const pass = (to: RTCPeerConnection, { candidate }: RTCPeerConnectionIceEvent): void => {
        if (!candidate || (candidate.address !== null && !keepCandidate(candidate.address))) return;
        to.addIceCandidate(candidate).catch(() => undefined);
      };
      near.onicecandidate = (event) => pass(far, event);
      far.onicecandidate = (event) => pass(near, event);
      far.ondatachannel = ({ channel }) => (channel.onmessage = () => done('ok'));
      const channel = near.createDataChannel('check');
      channel.onopen = () => channel.send('1');
      await near.setLocalDescription(await near.createOffer());
      await far.setRemoteDescription(near.localDescription as RTCSessionDescription);
      await far.setLocalDescription(await far.createAnswer());
      await near.setRemoteDescription(far.localDescription as RTCSessionDescription);
    });
  } catch {
    return 'absent';
  } finally {
    for (const end of ends) end.close();
  }
};

const urlsOf = ({ urls }: RTCIceServer): string[] => (typeof urls === 'string' ? [urls] : urls);

/** Whether a candidate of this type comes from these servers; null where there are none. */
const gathers = async (iceServers: RTCIceServer[], type: 'srflx' | 'relay'): Promise<boolean | null> => {
  if (iceServers.length === 0) return null;
  let connection: RTCPeerConnection | undefined;
  try {
    return await within<boolean>(GATHER_MS, false, async (done) => {
      const iceTransportPolicy = type === 'relay' ? 'relay' : 'all';
      const made = new RTCPeerConnection({ iceServers, iceTransportPolicy });
      connection = made;
      made.onicecandidate = ({ candidate }) => {
        if (candidate?.type === type) done(true);
        else if (!candidate) done(false);
      };
      made.createDataChannel('check');
      await made.setLocalDescription(await made.createOffer());
    });
  } finally {
    connection?.close();
  }
};

/** Of each kind, whether one of the servers answered; null where none is named. */
export const tryIce = async (
  iceServers: RTCIceServer[],
): Promise<{ stun: boolean | null; turn: boolean | null }> => {
  if (typeof RTCPeerConnection !== 'function') return { stun: null, turn: null };
  const ofKind = (kind: string): RTCIceServer[] =>
    iceServers.filter((server) => urlsOf(server).some((url) => url.startsWith(kind)));
  const [stun, turn] = await Promise.all([
    gathers(ofKind('stun'), 'srflx'),
    gathers(ofKind('turn'), 'relay'),
  ]);
  return { stun, turn };
};

/** How far the server's clock is ahead of this one, ms, to a second or so. Rejects where it does not answer. */
export const clockAhead = async (url: string): Promise<number> => {
  const asked = Date.now();
  const response = await fetch(url, { cache: 'no-store' });
  const date = Date.parse(response.headers.get('date') ?? '');
  if (!response.ok || Number.isNaN(date)) throw new Error('no time');
  // A whole second is told: half of it has passed in the mean.
  return date + 500 - (asked + Date.now()) / 2;
};

import type { Session } from '#shared/signal/session.ts';
import { packSdp } from './sdp.ts';

/** Whether a browser has WebRTC links at all; `reachable`: whatever NAT the other side is behind. */
export type Connectivity = { webrtc: boolean; reachable: boolean };

export const UNCONNECTED: Connectivity = { webrtc: false, reachable: false };

/** Longer than a link's own gathering may take: a machine that is slow for a moment is not one without WebRTC. */
const GATHERING_MS = 5_000;

type Candidate = Session['candidates'][number];

type Options = {
  iceServers: RTCIceServer[];
  relayOnly: boolean;
  keepCandidate: (address: string) => boolean;
};

/**
 * Gathers candidates as a link would, and throws them away. None means that no link comes about: a policy of the browser, an
 * extension, a network that lets nothing through.
 */
export const probe = async (options: Options): Promise<Connectivity> => {
  if (typeof RTCPeerConnection !== 'function') return UNCONNECTED;
  let connection: RTCPeerConnection | undefined;
  try {
    const { iceServers, relayOnly } = options;
    connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: relayOnly ? 'relay' : 'all' });
    const sdp = await gathered(connection);
    return judge(packSdp('offer', sdp, options.keepCandidate).candidates, iceServers);
  } catch {
    return UNCONNECTED;
  } finally {
    connection?.close();
  }
};

const gathered = async (connection: RTCPeerConnection): Promise<string> => {
  connection.createDataChannel('probe');
  const complete = new Promise<void>((done) => {
    setTimeout(done, GATHERING_MS);
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate) done();
    };
  });
  await connection.setLocalDescription(await connection.createOffer());
  await complete;
  return connection.localDescription?.sdp ?? '';
};

/** Without any server to ask, the network is taken to be one in which everybody reaches everybody. */
export const judge = (candidates: Candidate[], iceServers: RTCIceServer[]): Connectivity => ({
  webrtc: candidates.length > 0,
  reachable:
    candidates.length > 0 &&
    (iceServers.length === 0 ||
      candidates.some(({ type, address }) => type === 'relay' || (type === 'host' && isPublic(address)))),
});

/** Addresses of RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291, and names that stand for any, are not. */
const isPublic = (address: string): boolean =>
  !/^(?:10|127|0)\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^169\.254\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^f[cd]|^fe[89ab]|^::|\.local$/i.test(
    address,
  );

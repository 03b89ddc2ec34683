import { hex, unhex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Session } from '#shared/signal/session.ts';

/**
 * Between the SDP of a data-channel-only connection (RFC 8866, RFC 8841) and the few fields of it that differ from
 * one connection to the next. Everything else is rebuilt: one bundled m-line for SCTP over DTLS, `mid` 0, port 5000.
 */
const SCTP_PORT = 5000;
const MAX_MESSAGE_SIZE = 262_144;
const MOST_CANDIDATES = 16;
const UDP_COMPONENT = 1;

type Candidate = Session['candidates'][number];
type Description = { type: 'offer' | 'answer'; sdp: string };

const SETUPS = ['actpass', 'active', 'passive'] as const;
const TYPES = ['host', 'srflx', 'relay'] as const;

/** RFC 8839 section 5.4, ice-char; and what an IP address or an mDNS name is written with. */
const ICE_CHARS = /^[A-Za-z0-9+/]{4,256}$/;
const ADDRESS = /^[A-Za-z0-9.:-]{1,64}$/;

/** Throws `malformed` on an SDP without a data channel's fields. `keep` says which addresses of candidates are told. */
export const packSdp = (
  type: Description['type'],
  sdp: string,
  keep: (address: string) => boolean = () => true,
): Session => {
  const lines = sdp.split(/\r?\n/);
  const setup = SETUPS.find((name) => name === attribute(lines, 'setup'));
  const digits = attribute(lines, 'fingerprint')
    .match(/^sha-256 ([0-9A-F:]{95})$/i)?.[1]
    ?.replaceAll(':', '');
  if (!setup || digits?.length !== 64)
    throw new RemoteError('malformed', 'an SDP without setup or fingerprint');
  const candidates = lines.flatMap((line) => candidateOf(line) ?? []).filter(({ address }) => keep(address));
  candidates.sort((a, b) => b.priority - a.priority);
  return {
    kind: type,
    ufrag: attribute(lines, 'ice-ufrag'),
    pwd: attribute(lines, 'ice-pwd'),
    fingerprint: unhex(digits.toLowerCase()),
    setup,
    candidates: candidates.slice(0, MOST_CANDIDATES),
  };
};

/**
 * Throws `malformed` on fields that would not stand in an SDP as what they are. `later`: the candidates are left out, to be
 * added one by one.
 */
export const unpackSdp = (session: Session, { later = false } = {}): Description => {
  if (![session.ufrag, session.pwd].every((field) => ICE_CHARS.test(field))) {
    throw new RemoteError('malformed', 'not ICE credentials');
  }
  const fingerprint = (hex(session.fingerprint).toUpperCase().match(/../g) ?? []).join(':');
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sendrecv',
    `a=ice-ufrag:${session.ufrag}`,
    `a=ice-pwd:${session.pwd}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    `a=setup:${session.setup}`,
    `a=sctp-port:${String(SCTP_PORT)}`,
    `a=max-message-size:${String(MAX_MESSAGE_SIZE)}`,
    ...(later
      ? []
      : [...unpackCandidates(session).map((candidate) => `a=${candidate}`), 'a=end-of-candidates']),
  ];
  return { type: session.kind, sdp: `${lines.join('\r\n')}\r\n` };
};

/** Each as `addIceCandidate` takes it. Throws `malformed`. */
export const unpackCandidates = ({ candidates }: Session): string[] => candidates.map(candidateAttribute);

const attribute = (lines: string[], name: string): string => {
  const prefix = `a=${name}:`;
  const line = lines.find((each) => each.startsWith(prefix));
  if (line === undefined) throw new RemoteError('malformed', `an SDP without ${name}`);
  return line.slice(prefix.length).trim();
};

/**
 * RFC 8839 section 5.1: `a=candidate:foundation component transport priority address port typ type …`. Only UDP ones
 * are told: those over TCP help nobody who cannot listen.
 */
const candidateOf = (line: string): Candidate | undefined => {
  if (!line.startsWith('a=candidate:')) return undefined;
  const [, component, transport, priority, address, port, , typ] = line.split(' ');
  const type = TYPES.find((name) => name === typ);
  if (!type || !address || !ADDRESS.test(address)) return undefined;
  if (transport?.toLowerCase() !== 'udp' || Number(component) !== UDP_COMPONENT) return undefined;
  return { address, port: Number(port), type, priority: Number(priority) };
};

const candidateAttribute = ({ address, port, type, priority }: Candidate, index: number): string => {
  if (!ADDRESS.test(address)) throw new RemoteError('malformed', 'not an address of a candidate');
  // Where a reflexive candidate was seen from is asked for by the grammar and used by nobody.
  const related = type === 'host' ? '' : ' raddr 0.0.0.0 rport 0';
  return `candidate:${String(index + 1)} ${String(UDP_COMPONENT)} udp ${String(priority)} ${address} ${String(port)} typ ${type}${related}`;
};

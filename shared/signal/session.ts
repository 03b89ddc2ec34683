import {
  choice,
  fixed,
  list,
  mapped,
  struct,
  text,
  u16,
  u32,
  type Codec,
  type Value,
} from '../bytes/codec.ts';
import { DH_LENGTH } from '../crypto/dh.ts';
import { RemoteError } from '../errors.ts';

/** `text` of at most `max` bytes that matches `pattern` whole, so that nothing it holds can break out of an SDP line. */
const matching = (max: number, pattern: RegExp): Codec<string> =>
  mapped(
    text(max),
    (value) => {
      if (!pattern.test(value)) throw new RemoteError('malformed', 'not in the form of its field');
      return value;
    },
    (value) => value,
  );

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ipv4 = `(?:${octet}[.]){3}${octet}`;
const ipv6 = '(?=[^.]*:[^.]*:)[0-9A-Fa-f:]{2,39}';
const mappedIpv6 = `[0-9A-Fa-f:]{1,30}:${ipv4}`;
const mdns = '[0-9A-Za-z-]{1,58}[.]local';
const addressPattern = new RegExp(`^(?:${ipv4}|${ipv6}|${mappedIpv6}|${mdns})$`);

export const MAX_CANDIDATES = 16;
const MAX_ADDRESS_BYTES = 64;
/** RFC 8839, section 5.4: ufrag of 4 to 256, pwd of 22 to 256 ice-chars. */
const MAX_ICE_BYTES = 256;

/** A UDP candidate: address (2 + n) ‖ port (2) ‖ type (1) ‖ priority (4). */
const candidateCodec = struct({
  /** IPv4, IPv6 or an mDNS name. */
  address: matching(MAX_ADDRESS_BYTES, addressPattern),
  port: u16,
  type: choice(['host', 'srflx', 'relay']),
  priority: u32,
});
export type Candidate = Value<typeof candidateCodec>;

const description = {
  ufrag: matching(MAX_ICE_BYTES, /^[0-9A-Za-z+/]{4,256}$/),
  pwd: matching(MAX_ICE_BYTES, /^[0-9A-Za-z+/]{22,256}$/),
  fingerprint: fixed(32),
  setup: choice(['actpass', 'active', 'passive']),
  candidates: list(candidateCodec, MAX_CANDIDATES),
};

/**
 * What a session description of a connection with one data channel comes down to:
 *
 *     kind (1) ‖ ufrag (2 + n) ‖ pwd (2 + n) ‖ DTLS fingerprint, SHA-256 (32) ‖ setup (1) ‖ count (2) ‖ candidates
 */
export const sessionCodec = struct({ kind: choice(['offer', 'answer']), ...description });
export type Session = Value<typeof sessionCodec>;

/** In place of one, for a link by way of the server: kind (1: 2 offer | 3 answer) ‖ X25519 key made for it alone (32). */
export type PassSession = { kind: 'pass-offer' | 'pass-answer'; key: Uint8Array };

const kindCodec = choice(['offer', 'answer', 'pass-offer', 'pass-answer']);
const passKeyCodec = struct({ key: fixed(DH_LENGTH) });
const descriptionCodec = struct(description);

/** Either of the two, told apart by the kind. */
export const anySessionCodec: Codec<Session | PassSession> = {
  write(w, v) {
    kindCodec.write(w, v.kind);
    if ('key' in v) passKeyCodec.write(w, v);
    else descriptionCodec.write(w, v);
  },
  read(r) {
    const kind = kindCodec.read(r);
    if (kind === 'offer' || kind === 'answer') return { kind, ...descriptionCodec.read(r) };
    return { kind, ...passKeyCodec.read(r) };
  },
};

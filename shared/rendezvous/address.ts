import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, equal, text } from '../bytes/bytes.ts';
import { sha256 } from '../crypto/kdf.ts';
import { SIGN_PUBLIC_LENGTH } from '../crypto/sign.ts';
import { LocalError, RemoteError } from '../errors.ts';

/**
 * A user's address, as Tor's version 3 onion addresses are made (rend-spec-v3, section 6):
 *
 *     base32( public key (32) ‖ checksum (2) ‖ version (1) )               56 characters of a–z and 2–7
 *     checksum = SHA-256( label ‖ public key ‖ version )[0..2]
 */
const CHECKSUM_LABEL = text('hourglass address checksum');
const VERSION = new Uint8Array([1]);
const CHECKSUM_LENGTH = 2;
export const ADDRESS_LENGTH = 56;
const GROUP = 4;
/** Longer input is not looked at. */
const MAX_INPUT = 4 * ADDRESS_LENGTH;

/** RFC 4648, section 6, in lower case. 35 bytes are 56 digits, so there is neither padding nor a spare bit. */
const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';

const base32 = (bytes: Uint8Array): string => {
  let out = '';
  let [held, bits] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += DIGITS[(held >>> bits) & 31] ?? '';
    }
    held &= (1 << bits) - 1;
  }
  return out;
};

const unbase32 = (digits: string): Uint8Array => {
  const out: number[] = [];
  let [held, bits] = [0, 0];
  for (const digit of digits) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) throw new RemoteError('bad-address');
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((held >>> bits) & 255);
      held &= (1 << bits) - 1;
    }
  }
  return new Uint8Array(out);
};

const checksum = (publicKey: Uint8Array): Uint8Array =>
  sha256(CHECKSUM_LABEL, publicKey, VERSION).slice(0, CHECKSUM_LENGTH);

/** Canonical, of order L, and so not the identity: one person cannot go by two keys. */
const isSound = (publicKey: Uint8Array): boolean => {
  try {
    const point = ed25519.Point.fromBytes(publicKey);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
};

export const encodeAddress = (publicKey: Uint8Array): string => {
  if (!isSound(publicKey)) throw new LocalError('bad-address');
  return base32(concat(publicKey, checksum(publicKey), VERSION));
};

/** The public key. Takes either case, and spaces or hyphens between groups. Throws `bad-address`. */
export const decodeAddress = (address: string): Uint8Array => {
  if (address.length > MAX_INPUT) throw new RemoteError('bad-address');
  const digits = address.replace(/[\s-]/g, '').toLowerCase();
  if (digits.length !== ADDRESS_LENGTH) throw new RemoteError('bad-address');
  const bytes = unbase32(digits);
  const publicKey = bytes.slice(0, SIGN_PUBLIC_LENGTH);
  const rest = concat(checksum(publicKey), VERSION);
  if (!equal(bytes.slice(SIGN_PUBLIC_LENGTH), rest) || !isSound(publicKey))
    throw new RemoteError('bad-address');
  return publicKey;
};

/** The address in groups of four. */
export const formatAddress = (address: string): string =>
  Array.from({ length: Math.ceil(address.length / GROUP) }, (_, i) =>
    address.slice(i * GROUP, (i + 1) * GROUP),
  ).join(' ');

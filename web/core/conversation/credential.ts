import { decode, encode, fixed, struct, u64, u8, type Value } from '#shared/bytes/codec.ts';
import { SIGNATURE_LENGTH, SIGN_PUBLIC_LENGTH, sign, verify, type SignKeypair } from '#shared/crypto/sign.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';

/**
 * Ties the key that signs in MLS to an address. It is the identity of an MLS basic credential (RFC 9420, section
 * 5.3), 105 bytes:
 *
 *     version (1) = 1 ‖ address (32) ‖ expiry (8, milliseconds) ‖ signature (64)
 *
 * The address key signs, under its own label, address ‖ MLS signature key (32) ‖ expiry.
 */
const LABEL = 'hourglass mls credential 1';
const VERSION = 1;

const codec = struct({
  version: u8,
  address: fixed(SIGN_PUBLIC_LENGTH),
  expiry: u64,
  signature: fixed(SIGNATURE_LENGTH),
});
export type Credential = Value<typeof codec>;

export const makeCredential = (address: SignKeypair, signatureKey: Uint8Array, expiry: Millis): Uint8Array =>
  encode(codec, {
    version: VERSION,
    address: address.public,
    expiry,
    signature: sign(LABEL, address.secret, address.public, signatureKey, encode(u64, expiry)),
  });

/** The address and expiry that a credential truly states for this MLS key. Throws `malformed`, `bad-version`, `bad-signature`. */
export const verifyCredential = (credential: Uint8Array, signatureKey: Uint8Array): Credential => {
  const read = decode(codec, credential);
  if (read.version !== VERSION) throw new RemoteError('bad-version');
  if (!verify(LABEL, read.address, read.signature, read.address, signatureKey, encode(u64, read.expiry))) {
    throw new RemoteError('bad-signature', 'the address did not sign this key');
  }
  return read;
};

/** The address that a credential names, which `verifyCredential` has let pass before. Throws `malformed`. */
export const addressIn = (credential: Uint8Array): Uint8Array => decode(codec, credential).address;

import { ed25519 } from '@noble/curves/ed25519.js';
import {
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  type Capabilities,
  type CiphersuiteImpl,
  type CiphersuiteName,
} from 'ts-mls';

/**
 * The one suite: X-Wing, ChaCha20-Poly1305, HKDF and SHA-512, Ed25519. Conversations recorded today stay closed to a
 * later quantum computer; signatures need to hold only while they are checked.
 */
export const SUITE: CiphersuiteName = 'MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519';

/** A group's name, among the extensions of its context: the first of the numbers that RFC 9420 leaves for private use. */
export const NAME_EXTENSION = 0xf000;

/** What a leaf says that it can do. Everyone says the same, or it would tell clients apart. */
export const capabilities: Capabilities = {
  versions: ['mls10'],
  ciphersuites: [SUITE],
  extensions: [NAME_EXTENSION],
  proposals: [],
  credentials: ['basic'],
};

/** Not every supported browser has Ed25519 in WebCrypto, so it comes from noble. */
const signature: CiphersuiteImpl['signature'] = {
  sign: async (secret, message) => ed25519.sign(message, secret),
  verify: async (publicKey, message, signed) => {
    try {
      return ed25519.verify(signed, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
  keygen: async () => {
    const { secretKey, publicKey } = ed25519.keygen(crypto.getRandomValues(new Uint8Array(32)));
    return { signKey: secretKey, publicKey };
  },
};

let made: Promise<CiphersuiteImpl> | undefined;

export const suite = (): Promise<CiphersuiteImpl> =>
  (made ??= getCiphersuiteImpl(getCiphersuiteFromName(SUITE)).then((basic) => ({ ...basic, signature })));

/** Puts another implementation in the place of the suite: for tests of what stands on MLS and not of MLS, which it makes a hundred times faster. */
export const replaceSuite = (other: CiphersuiteImpl): void => {
  made = Promise.resolve({ ...other, name: SUITE });
};

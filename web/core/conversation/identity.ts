import { decodeMlsMessage, defaultLifetime, encodeMlsMessage, generateKeyPackageWithKey } from 'ts-mls';
import type { KeyPackage, PrivateKeyPackage } from 'ts-mls';
import { bytes, decode, encode, fixed, struct, type Value } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { SIGN_PUBLIC_LENGTH, signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { makeCredential } from '#web/core/conversation/credential.ts';
import { capabilities, suite } from '#web/core/conversation/suite.ts';

/** How one user appears in MLS: the signature key of every leaf and the credential by which the address vouches for it. */
export const identityCodec = struct({
  address: fixed(SIGN_PUBLIC_LENGTH),
  signatureSecret: fixed(32),
  signaturePublic: fixed(SIGN_PUBLIC_LENGTH),
  credential: bytes(1024),
});
export type Identity = Value<typeof identityCodec>;

/** A key package and its private keys; the secret half is kept as long as someone may still use the public one. */
export const ownKeyPackageCodec = struct({
  public: bytes(8192),
  initSecret: bytes(64),
  leafSecret: bytes(64),
  signatureSecret: bytes(64),
});
export type OwnKeyPackage = Value<typeof ownKeyPackageCodec>;

export const makeIdentity = (rng: Rng, address: SignKeypair, expiry: Millis): Identity => {
  const keys = signKeypair(rng(32));
  return {
    address: address.public,
    signatureSecret: keys.secret,
    signaturePublic: keys.public,
    credential: makeCredential(address, keys.public, expiry),
  };
};

export const makeKeyPackage = async (identity: Identity): Promise<OwnKeyPackage> => {
  const made = await generateKeyPackageWithKey(
    { credentialType: 'basic', identity: identity.credential },
    capabilities,
    // The credential's expiry bounds it, by the caller's clock; MLS would ask the machine's.
    defaultLifetime,
    [],
    { signKey: identity.signatureSecret, publicKey: identity.signaturePublic },
    await suite(),
  );
  const keyPackage = made.publicPackage;
  return {
    public: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage }),
    initSecret: made.privatePackage.initPrivateKey,
    leafSecret: made.privatePackage.hpkePrivateKey,
    signatureSecret: made.privatePackage.signaturePrivateKey,
  };
};

/** Throws `malformed`. */
export const readKeyPackage = (encoded: Uint8Array): KeyPackage => {
  const [message, length] = decodeMlsMessage(encoded, 0) ?? [];
  if (message?.wireformat !== 'mls_key_package' || length !== encoded.length) {
    throw new RemoteError('malformed', 'not a key package');
  }
  return message.keyPackage;
};

export const privateKeysOf = (own: OwnKeyPackage): PrivateKeyPackage => ({
  initPrivateKey: own.initSecret,
  hpkePrivateKey: own.leafSecret,
  signaturePrivateKey: own.signatureSecret,
});

export const encodeIdentity = (identity: Identity): Uint8Array => encode(identityCodec, identity);

/** Throws LocalError `storage`: what the store returned is not what was put there. */
export const decodeIdentity = (stored: Uint8Array): Identity => restored(() => decode(identityCodec, stored));

export const encodeOwnKeyPackage = (own: OwnKeyPackage): Uint8Array => encode(ownKeyPackageCodec, own);

/** As `decodeIdentity`. */
export const decodeOwnKeyPackage = (stored: Uint8Array): OwnKeyPackage =>
  restored(() => decode(ownKeyPackageCodec, stored));

const restored = <T>(work: () => T): T => {
  try {
    return work();
  } catch {
    throw new LocalError('storage', 'a stored record does not parse');
  }
};

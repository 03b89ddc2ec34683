import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import { concat, text } from '../bytes/bytes.ts';
import { Writer } from '../bytes/writer.ts';
import { RemoteError } from '../errors.ts';
import { SIGN_PUBLIC_LENGTH, signedDigest } from './sign.ts';

/**
 * Key blinding of Tor's rend-spec-v3, appendix A.2: from an Ed25519 identity, a key per period that only those who
 * hold the identity's public key can tell to be its.
 *
 *     h  = clamp(SHA3-256( "Derive temporary signing key" ‖ 0 ‖ A ‖ base point ‖ "key-blind" ‖ period (8) ‖ period's length (8) ))
 *     A' = h·A          a' = h·a mod L
 *
 * Signatures verify as plain Ed25519 ones under A'. Their nonces depart from the appendix: the prefix is
 * SHA-512( label ‖ RH ‖ A' )[0..32], so that no two blinded keys share one.
 */
export type BlindedKeypair = {
  readonly public: Uint8Array;
  /** a', 32 bytes little-endian, below L. */
  readonly scalar: Uint8Array;
  /** Keys the signature nonces; 32 bytes. */
  readonly noncePrefix: Uint8Array;
};

const BLIND_STRING = concat(text('Derive temporary signing key'), new Uint8Array(1));
const BASE_POINT = text(
  '(15112221349535400772501151409588531511454012693041857206046113283949847762202, ' +
    '46316835694926478169428394003475163141307993866256225615783033603165251855960)',
);
const NONCE_LABEL = text('hourglass blinded key nonce 1');

/** Minutes; one day. */
export const PERIOD_LENGTH_MINUTES = 1440;

const { Fn } = ed25519.Point;
type Point = InstanceType<typeof ed25519.Point>;

/** h before clamping, 32 bytes. */
export const blindingFactor = (publicKey: Uint8Array, period: number): Uint8Array =>
  sha3_256(
    concat(
      BLIND_STRING,
      publicKey,
      BASE_POINT,
      text('key-blind'),
      new Writer().u64(period).u64(PERIOD_LENGTH_MINUTES).finish(),
    ),
  );

/** A'. Throws `bad-key` unless `publicKey` is a canonical point of order L. */
export const blindPublicKey = (publicKey: Uint8Array, factor: Uint8Array): Uint8Array =>
  pointOf(publicKey).multiply(clampedScalar(factor)).toBytes();

/** The key pair of A' for the identity whose 32-byte seed is `seed`. */
export const blindKeypair = (seed: Uint8Array, factor: Uint8Array): BlindedKeypair => {
  const { scalar, prefix } = ed25519.utils.getExtendedPublicKey(seed);
  const blinded = Fn.mul(scalar, clampedScalar(factor));
  const publicKey = ed25519.Point.BASE.multiply(blinded).toBytes();
  return {
    public: publicKey,
    scalar: Fn.toBytes(blinded),
    noncePrefix: sha512(concat(NONCE_LABEL, prefix, publicKey)).slice(0, 32),
  };
};

/** As `sign`, with a blinded key; `verify` checks it. */
export const signBlinded = (label: string, key: BlindedKeypair, ...parts: Uint8Array[]): Uint8Array => {
  const message = signedDigest(label, parts);
  const nonce = hashToScalar(key.noncePrefix, message);
  const commitment = ed25519.Point.BASE.multiply(nonce).toBytes();
  const challenge = hashToScalar(commitment, key.public, message);
  return concat(commitment, Fn.toBytes(Fn.add(nonce, Fn.mul(challenge, Fn.fromBytes(key.scalar)))));
};

const pointOf = (publicKey: Uint8Array): Point => {
  if (publicKey.length !== SIGN_PUBLIC_LENGTH) throw new RemoteError('bad-key', 'a public key has 32 bytes');
  let point: Point;
  try {
    point = ed25519.Point.fromBytes(publicKey);
  } catch {
    throw new RemoteError('bad-key', 'not a canonical point');
  }
  if (point.isSmallOrder() || !point.isTorsionFree())
    throw new RemoteError('bad-key', 'a point of another order');
  return point;
};

/** Clamps as RFC 8032 section 5.1.5 does, then reduces: on points of order L that changes nothing. */
const clampedScalar = (factor: Uint8Array): bigint => {
  const h = factor.slice();
  h[0] = (h[0] ?? 0) & 248;
  h[31] = ((h[31] ?? 0) & 63) | 64;
  return Fn.create(littleEndian(h));
};

const hashToScalar = (...parts: Uint8Array[]): bigint => Fn.create(littleEndian(sha512(concat(...parts))));

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

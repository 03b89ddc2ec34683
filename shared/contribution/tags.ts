import { text } from '../bytes/bytes.ts';
import { hashToField, integerOf } from './field.ts';
import { hashElements } from './poseidon.ts';

/** A tag is its label's ASCII bytes as one big-endian number; circuits/contribution.circom has the same three. */
export const TAG_ID = integerOf(text('hourglass contribution id 1'));
export const TAG_LEAF = integerOf(text('hourglass contribution leaf 1'));
export const TAG_USE = integerOf(text('hourglass contribution use 1'));

/** A contribution secret. It lives until its epoch is spent; nothing of the node or the user goes into it. */
export const secretFrom = (seed: Uint8Array): bigint => hashToField('hourglass contribution secret 1', seed);

/** What a node tells the directory of its secret. */
export const commitmentOf = (secret: bigint): bigint => hashElements(TAG_ID, secret);

export const leafOf = (commitment: bigint, score: number): bigint =>
  hashElements(TAG_LEAF, commitment, BigInt(score));

/** One for each secret, epoch and scope; without the secret, nothing ties it to another or to a commitment. */
export const nullifierOf = (secret: bigint, epoch: number, scope: bigint): bigint =>
  hashElements(TAG_USE, secret, BigInt(epoch), scope);

/** What a proof is spent on: a service's name, or an exit's id. */
export const scopeOf = (name: Uint8Array): bigint => hashToField('hourglass contribution scope 1', name);

/** What binds a proof to the bytes of one request. */
export const signalHashOf = (request: Uint8Array): bigint =>
  hashToField('hourglass contribution signal 1', request);

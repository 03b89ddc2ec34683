import { aeadOpen, aeadSeal } from './openssl.ts';

/** The layers of a circuit once more, without state: the caller says which cell of its direction each one is. */
export type TwinDirection = 'forward' | 'backward';
export type TwinKind = 'pass' | 'deliver';

const nonceOf = (count: bigint): Uint8Array => {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(Number(count >> 64n), 0);
  nonce.writeBigUInt64BE(count & 0xffff_ffff_ffff_ffffn, 4);
  return nonce;
};
const adOf = (direction: TwinDirection, command: number): Uint8Array =>
  new Uint8Array([direction === 'forward' ? 0 : 1, command]);

export const twinSeal = (
  key: Uint8Array,
  direction: TwinDirection,
  count: bigint,
  command: number,
  kind: TwinKind,
  inner: Uint8Array,
): Uint8Array =>
  aeadSeal(
    key,
    nonceOf(count),
    Buffer.concat([Buffer.of(kind === 'pass' ? 0 : 1), inner]),
    adOf(direction, command),
  );

export const twinOpen = (
  key: Uint8Array,
  direction: TwinDirection,
  count: bigint,
  command: number,
  sealed: Uint8Array,
): { kind: TwinKind; inner: Uint8Array } | undefined => {
  const plaintext = aeadOpen(key, nonceOf(count), sealed, adOf(direction, command));
  if (plaintext?.[0] === 0) return { kind: 'pass', inner: plaintext.slice(1) };
  if (plaintext?.[0] === 1) return { kind: 'deliver', inner: plaintext.slice(1) };
  return undefined;
};

/** The body on link 1 of the `count`-th cell of every hop up to the last key's, which delivers. */
export const twinOnion = (
  keys: Uint8Array[],
  counts: bigint[],
  command: number,
  message: Uint8Array,
): Uint8Array =>
  keys.reduceRight<Uint8Array>(
    (inner, key, i) =>
      twinSeal(key, 'forward', counts[i] ?? 0n, command, i === keys.length - 1 ? 'deliver' : 'pass', inner),
    message,
  );

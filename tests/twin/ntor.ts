import {
  aeadOpen,
  aeadSeal,
  hkdfSha256,
  mlkemDecapsulate,
  mlkemEncapsulate,
  mlkemPublic,
  x25519,
  x25519Public,
} from './openssl.ts';

/**
 * Hybrid ntor once more, written for reading: the lines of the protocol's section on the handshake one after another,
 * over OpenSSL. Slow, and with no errors of its own beyond `undefined`.
 */
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'ascii'));
const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const behindLengths = (...parts: Uint8Array[]): Uint8Array =>
  join(...parts.map((part) => join(new Uint8Array([part.length >> 8, part.length & 255]), part)));

const PROTOID = ascii('hourglass ntor x25519 mlkem768 sha256 1');
const ONE_USE = new Uint8Array(12);
const NO_AD = new Uint8Array(0);

export type TwinKeys = { forward: Uint8Array; backward: Uint8Array; binding: Uint8Array };
export type TwinState = {
  ID: Uint8Array;
  B: Uint8Array;
  x: Uint8Array;
  kemSeed: Uint8Array;
  extensions: Uint8Array;
};

const extensionKey = (
  shared: Uint8Array,
  ID: Uint8Array,
  B: Uint8Array,
  X: Uint8Array,
  ek: Uint8Array,
): Uint8Array => hkdfSha256(shared, behindLengths(PROTOID, ascii('ext'), ID, B, X, ek), 32);

const split = (secret: Uint8Array, transcript: Uint8Array): { keys: TwinKeys; confirm: Uint8Array } => {
  const out = hkdfSha256(secret, transcript, 112);
  return {
    keys: { forward: out.slice(0, 32), backward: out.slice(32, 64), binding: out.slice(64, 96) },
    confirm: out.slice(96),
  };
};

/** `x`: 32 random bytes; `kemSeed`: 64. */
export const twinStart = (state: TwinState): Uint8Array => {
  const { ID, B, x, kemSeed, extensions } = state;
  const X = x25519Public(x);
  const ek = mlkemPublic(kemSeed);
  const key = extensionKey(x25519(x, B), ID, B, X, ek);
  return join(new Uint8Array([1]), B.slice(0, 8), X, ek, aeadSeal(key, ONE_USE, extensions, NO_AD));
};

/** `y`: 32 random bytes; OpenSSL draws the encapsulation's own. undefined when the onionskin is not for `b`. */
export const twinRespond = (
  ID: Uint8Array,
  b: Uint8Array,
  y: Uint8Array,
  onionskin: Uint8Array,
): { keys: TwinKeys; reply: Uint8Array; extensions: Uint8Array } | undefined => {
  const B = x25519Public(b);
  if (onionskin[0] !== 1 || Buffer.compare(onionskin.slice(1, 9), B.slice(0, 8)) !== 0) return undefined;
  const X = onionskin.slice(9, 41);
  const ek = onionskin.slice(41, 1225);
  const extensions = aeadOpen(
    extensionKey(x25519(b, X), ID, B, X, ek),
    ONE_USE,
    onionskin.slice(1225),
    NO_AD,
  );
  if (!extensions) return undefined;

  const Y = x25519Public(y);
  const { ciphertext: ct, secret: k } = mlkemEncapsulate(ek);
  const transcript = behindLengths(PROTOID, ID, B, X, ek, Y, ct, extensions);
  const { keys, confirm } = split(join(x25519(y, X), x25519(b, X), k), transcript);
  return { keys, reply: join(Y, ct, confirm), extensions };
};

/** undefined when the confirmation fails. */
export const twinFinish = (state: TwinState, reply: Uint8Array): TwinKeys | undefined => {
  const { ID, B, x, kemSeed, extensions } = state;
  const Y = reply.slice(0, 32);
  const ct = reply.slice(32, 1120);
  const secret = join(x25519(x, Y), x25519(x, B), mlkemDecapsulate(ct, kemSeed));
  const transcript = behindLengths(PROTOID, ID, B, x25519Public(x), mlkemPublic(kemSeed), Y, ct, extensions);
  const { keys, confirm } = split(secret, transcript);
  return Buffer.compare(confirm, reply.slice(1120)) === 0 ? keys : undefined;
};

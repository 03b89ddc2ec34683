import { concat, equal, text } from '../bytes/bytes.ts';
import { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import {
  CONFIRM_LENGTH,
  EXTENSIONS_LENGTH,
  KEY_PREFIX_LENGTH,
  ONIONSKIN_LENGTH,
  REPLY_LENGTH,
} from '../cell/geometry.ts';
import { AEAD_KEY_LENGTH, ZERO_NONCE, open, seal } from '../crypto/aead.ts';
import { DH_LENGTH, type DhKeypair, dh, dhKeypair } from '../crypto/dh.ts';
import {
  KEM_CIPHERTEXT_LENGTH,
  KEM_ENCAPSULATION_SEED_LENGTH,
  KEM_PUBLIC_LENGTH,
  KEM_SEED_LENGTH,
  type KemKeypair,
  kemDecapsulate,
  kemEncapsulate,
  kemKeypair,
} from '../crypto/kem.ts';
import { hkdf } from '../crypto/kdf.ts';
import type { Rng } from '../crypto/rng.ts';
import { LocalError, RemoteError } from '../errors.ts';

/**
 * Hybrid ntor: the ntor handshake (Goldberg, Stebila, Ustaoglu 2013; Tor proposals 216 and 332) with ML-KEM-768
 * (FIPS 203) mixed in, so that a circuit recorded today stays closed to a later quantum computer.
 *
 *     onionskin = version (1) ‖ B-prefix (8) ‖ X (32) ‖ ek (1184) ‖ sealed extensions (8 + 16)      1,249
 *     reply     = Y (32) ‖ ct (1088) ‖ confirm (16)                                                 1,136
 *
 *     extension key = HKDF( X25519(x,B), PROTOID ‖ "ext" ‖ ID ‖ B ‖ X ‖ ek )         32
 *     secret        = X25519(y,X) ‖ X25519(b,X) ‖ k
 *     transcript    = PROTOID ‖ ID ‖ B ‖ X ‖ ek ‖ Y ‖ ct ‖ extensions
 *     forward (32) ‖ backward (32) ‖ binding (32) ‖ confirm (16) = HKDF( secret, transcript )
 *
 * In both HKDF inputs each field stands behind its length (2). HKDF is over SHA-256 without salt. The extension key
 * has no forward secrecy and seals parameters only.
 */
export type Responder = {
  /** The responder's identity: for a node its node id. */
  readonly id: Uint8Array;
  readonly onionKey: Uint8Array;
};

export type OnionKeypair = DhKeypair;

/** What both sides hold in the end; 32 bytes each. */
export type Keys = {
  /** From the initiator to the responder. */
  readonly forward: Uint8Array;
  readonly backward: Uint8Array;
  /** Names this handshake to signatures that belong to this circuit alone. */
  readonly binding: Uint8Array;
};

export type HandshakeState = {
  readonly responder: Responder;
  readonly dh: DhKeypair;
  readonly kem: KemKeypair;
  readonly extensions: Uint8Array;
};

export type Started = { readonly state: HandshakeState; readonly onionskin: Uint8Array };

export type Answered = {
  readonly keys: Keys;
  readonly reply: Uint8Array;
  readonly extensions: Uint8Array;
};

const VERSION = 1;
const PROTOID = text('hourglass ntor x25519 mlkem768 sha256 1');
const EXTENSION_LABEL = text('ext');
const KEY_LENGTH = 32;

/** `extensions`: 8 bytes. Throws `bad-key` when the responder's onion key is degenerate. */
export const start = (rng: Rng, responder: Responder, extensions: Uint8Array): Started => {
  if (extensions.length !== EXTENSIONS_LENGTH)
    throw new LocalError('internal', 'extensions of the wrong length');
  const ours = dhKeypair(rng(DH_LENGTH));
  const kem = kemKeypair(rng(KEM_SEED_LENGTH));
  const key = extensionKey(dh(ours.secret, responder.onionKey), responder, ours.public, kem.public);
  const onionskin = new Writer()
    .u8(VERSION)
    .bytes(responder.onionKey.subarray(0, KEY_PREFIX_LENGTH))
    .bytes(ours.public)
    .bytes(kem.public)
    .bytes(seal(key, ZERO_NONCE, extensions))
    .finish();
  return { state: { responder, dh: ours, kem, extensions }, onionskin };
};

/**
 * `own.onionKeys`: today's and those not yet erased; the onionskin names one by its first 8 bytes. Throws `malformed`,
 * `bad-version`, `bad-key`, or `bad-layer` when the extensions do not open.
 */
export const respond = (
  rng: Rng,
  own: { readonly id: Uint8Array; readonly onionKeys: readonly OnionKeypair[] },
  onionskin: Uint8Array,
): Answered => {
  if (onionskin.length !== ONIONSKIN_LENGTH)
    throw new RemoteError('malformed', 'an onionskin of the wrong length');
  const reader = new Reader(onionskin);
  if (reader.u8() !== VERSION) throw new RemoteError('bad-version');
  const prefix = reader.take(KEY_PREFIX_LENGTH);
  const theirs = reader.take(DH_LENGTH);
  const encapsulationKey = reader.take(KEM_PUBLIC_LENGTH);
  const onionKey = own.onionKeys.find((pair) => equal(pair.public.subarray(0, KEY_PREFIX_LENGTH), prefix));
  if (!onionKey) throw new RemoteError('bad-key', 'no such onion key');

  const responder = { id: own.id, onionKey: onionKey.public };
  const fixedSecret = dh(onionKey.secret, theirs);
  const key = extensionKey(fixedSecret, responder, theirs, encapsulationKey);
  const extensions = open(key, ZERO_NONCE, reader.rest());

  const ours = dhKeypair(rng(DH_LENGTH));
  const { ciphertext, secret } = kemEncapsulate(encapsulationKey, rng(KEM_ENCAPSULATION_SEED_LENGTH));
  const { keys, confirm } = derive(
    concat(dh(ours.secret, theirs), fixedSecret, secret),
    fields(responder.id, responder.onionKey, theirs, encapsulationKey, ours.public, ciphertext, extensions),
  );
  return { keys, reply: concat(ours.public, ciphertext, confirm), extensions };
};

/** Throws `malformed`, `bad-key` or `bad-confirm`. */
export const finish = (state: HandshakeState, reply: Uint8Array): Keys => {
  if (reply.length !== REPLY_LENGTH) throw new RemoteError('malformed', 'a reply of the wrong length');
  const { responder, dh: ours, kem, extensions } = state;
  const reader = new Reader(reply);
  const theirs = reader.take(DH_LENGTH);
  const ciphertext = reader.take(KEM_CIPHERTEXT_LENGTH);
  const { keys, confirm } = derive(
    concat(
      dh(ours.secret, theirs),
      dh(ours.secret, responder.onionKey),
      kemDecapsulate(ciphertext, kem.secret),
    ),
    fields(responder.id, responder.onionKey, ours.public, kem.public, theirs, ciphertext, extensions),
  );
  if (!equal(confirm, reader.rest())) throw new RemoteError('bad-confirm');
  return keys;
};

const extensionKey = (
  shared: Uint8Array,
  responder: Responder,
  initiatorKey: Uint8Array,
  encapsulationKey: Uint8Array,
): Uint8Array => {
  const info = fields(EXTENSION_LABEL, responder.id, responder.onionKey, initiatorKey, encapsulationKey);
  return hkdf(shared, info, AEAD_KEY_LENGTH);
};

const derive = (secret: Uint8Array, transcript: Uint8Array): { keys: Keys; confirm: Uint8Array } => {
  const reader = new Reader(hkdf(secret, transcript, 3 * KEY_LENGTH + CONFIRM_LENGTH));
  const keys = {
    forward: reader.take(KEY_LENGTH),
    backward: reader.take(KEY_LENGTH),
    binding: reader.take(KEY_LENGTH),
  };
  return { keys, confirm: reader.rest() };
};

/** PROTOID and then `parts`, each behind its length (2). */
const fields = (...parts: Uint8Array[]): Uint8Array => {
  const writer = new Writer();
  for (const part of [PROTOID, ...parts]) writer.u16(part.length).bytes(part);
  return writer.finish();
};

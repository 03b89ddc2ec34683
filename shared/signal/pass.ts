import { concat, text } from '../bytes/bytes.ts';
import { Reader } from '../bytes/reader.ts';
import { AEAD_KEY_LENGTH } from '../crypto/aead.ts';
import { dh, type DhKeypair } from '../crypto/dh.ts';
import { hkdf } from '../crypto/kdf.ts';

/**
 * The keys of a link by way of the server, which passes its sealed cells between two WebSockets and can't read them. Offer and answer
 * carry an X25519 key each, made for this link; the ML-KEM-768 of the offer's X-Wing is the other half:
 *
 *     dialler's key (32) ‖ answerer's key (32)
 *         = HKDF( X25519(x, Y) ‖ pass secret, label ‖ SHA-256(sealed offer) ‖ Y )
 *
 * Each seals by its own key. The hash covers X and both names, and the answerer signed Y and the hash.
 */
const LABEL = text('hourglass pass 1');

/** By which the server finds the two WebSockets that belong together. It stands in no signal that it sees. */
export const MEETING_LENGTH = 16;

/** From the offer's X-Wing secret, so that both ends have it. */
export type PassSecret = { secret: Uint8Array; meeting: Uint8Array };

/** What one end of such a link needs: where to meet the other, and the keys of both directions. */
export type Pass = { meeting: Uint8Array; send: Uint8Array; receive: Uint8Array };

type Agreed = { offerHash: Uint8Array; pass: PassSecret };

const keysOf = (shared: Uint8Array, { offerHash, pass }: Agreed, answerer: Uint8Array) => {
  const info = concat(LABEL, offerHash, answerer);
  const reader = new Reader(hkdf(concat(shared, pass.secret), info, 2 * AEAD_KEY_LENGTH));
  return { dialler: reader.take(AEAD_KEY_LENGTH), answerer: reader.take(AEAD_KEY_LENGTH) };
};

/** The dialler's end; `own` is its key pair and `theirs` the answer's key. Throws `bad-key`. */
export const passOfDialler = (agreed: Agreed, own: DhKeypair, theirs: Uint8Array): Pass => {
  const { dialler, answerer } = keysOf(dh(own.secret, theirs), agreed, theirs);
  return { meeting: agreed.pass.meeting, send: dialler, receive: answerer };
};

/** The answerer's end. Throws `bad-key`. */
export const passOfAnswerer = (agreed: Agreed, own: DhKeypair, theirs: Uint8Array): Pass => {
  const { dialler, answerer } = keysOf(dh(own.secret, theirs), agreed, own.public);
  return { meeting: agreed.pass.meeting, send: answerer, receive: dialler };
};

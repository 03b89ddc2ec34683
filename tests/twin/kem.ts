/* eslint no-restricted-imports: off -- Vitest knows a module by the name that was asked for: as #shared/crypto it would be the twin. */
import { createHash } from 'node:crypto';
import { concat, text } from '#shared/bytes/bytes.ts';
import {
  KEM_CIPHERTEXT_LENGTH,
  KEM_ENCAPSULATION_SEED_LENGTH,
  KEM_PUBLIC_LENGTH,
  KEM_SEED_LENGTH,
  kemEncapsulate,
  XWING_CIPHERTEXT_LENGTH,
  XWING_ENCAPSULATION_SEED_LENGTH,
  XWING_PUBLIC_LENGTH,
  type Encapsulation,
  type KemKeypair,
} from '../../shared/crypto/kem.ts';
import { RemoteError } from '#shared/errors.ts';
import { DH_LENGTH, dh, dhKeypair } from './dh.ts';
import { mlkemDecapsulate, mlkemPublic } from './openssl.ts';
import { remembered } from './remembered.ts';

export {
  KEM_CIPHERTEXT_LENGTH,
  KEM_ENCAPSULATION_SEED_LENGTH,
  KEM_PUBLIC_LENGTH,
  KEM_SEED_LENGTH,
  kemEncapsulate,
  XWING_CIPHERTEXT_LENGTH,
  XWING_ENCAPSULATION_SEED_LENGTH,
  XWING_PUBLIC_LENGTH,
} from '../../shared/crypto/kem.ts';

/**
 * shared/crypto/kem.ts once more, by OpenSSL: the same public keys, outputs and refusals in a fraction of the time. Only
 * encapsulation stays our own, for OpenSSL draws its seed itself. A secret key is its seed.
 */
export const kemKeypair = (seed: Uint8Array): KemKeypair => ({ secret: seed, public: mlkemPublic(seed) });

export const kemDecapsulate = (ciphertext: Uint8Array, secret: Uint8Array): Uint8Array => {
  if (ciphertext.length !== KEM_CIPHERTEXT_LENGTH) throw new RemoteError('bad-key');
  return mlkemDecapsulate(ciphertext, secret);
};

/** draft-connolly-cfrg-xwing-kem, section 5.2. */
const expanded = remembered((seed) => {
  const bytes = createHash('shake256', { outputLength: KEM_SEED_LENGTH + DH_LENGTH })
    .update(seed)
    .digest();
  const kem = kemKeypair(new Uint8Array(bytes.subarray(0, KEM_SEED_LENGTH)));
  const pair = dhKeypair(new Uint8Array(bytes.subarray(KEM_SEED_LENGTH)));
  return { kem, dh: pair };
});

/** The same, section 5.3. */
const combined = (ofKem: Uint8Array, ofDh: Uint8Array, ciphertext: Uint8Array, key: Uint8Array): Uint8Array =>
  new Uint8Array(
    createHash('sha3-256')
      .update(concat(ofKem, ofDh, ciphertext, key, text('\\.//^\\')))
      .digest(),
  );

export const xwingKeypair = (seed: Uint8Array): KemKeypair => {
  const pair = expanded(seed);
  return { secret: seed, public: concat(pair.kem.public, pair.dh.public) };
};

export const xwingEncapsulate = (publicKey: Uint8Array, seed: Uint8Array): Encapsulation => {
  if (publicKey.length !== XWING_PUBLIC_LENGTH || seed.length !== XWING_ENCAPSULATION_SEED_LENGTH)
    throw new RemoteError('bad-key');
  const theirs = publicKey.subarray(KEM_PUBLIC_LENGTH);
  const kem = kemEncapsulate(
    publicKey.subarray(0, KEM_PUBLIC_LENGTH),
    seed.subarray(0, KEM_ENCAPSULATION_SEED_LENGTH),
  );
  const once = dhKeypair(seed.subarray(KEM_ENCAPSULATION_SEED_LENGTH));
  return {
    ciphertext: concat(kem.ciphertext, once.public),
    secret: combined(kem.secret, dh(once.secret, theirs), once.public, theirs),
  };
};

export const xwingDecapsulate = (ciphertext: Uint8Array, secret: Uint8Array): Uint8Array => {
  if (ciphertext.length !== XWING_CIPHERTEXT_LENGTH) throw new RemoteError('bad-key');
  const own = expanded(secret);
  const [ofKem, theirs] = [
    ciphertext.subarray(0, KEM_CIPHERTEXT_LENGTH),
    ciphertext.subarray(KEM_CIPHERTEXT_LENGTH),
  ];
  return combined(kemDecapsulate(ofKem, own.kem.secret), dh(own.dh.secret, theirs), theirs, own.dh.public);
};

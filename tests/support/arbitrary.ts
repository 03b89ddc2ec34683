import fc from 'fast-check';
import { type Rng, seededRng } from '#shared/crypto/rng.ts';

/** `min` to `max` bytes. */
export const anyBytes = (min: number, max: number = min): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: min, maxLength: max, size: 'max' });

/** A reproducible source of chance with an arbitrary seed. */
export const anyRng: fc.Arbitrary<Rng> = anyBytes(32).map(seededRng);

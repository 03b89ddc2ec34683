import { randomBytes } from 'node:crypto';
import type { Rng } from '#shared/crypto/rng.ts';

export const systemRng: Rng = (length) => new Uint8Array(randomBytes(length));

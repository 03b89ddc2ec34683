import { readFileSync, writeFileSync } from 'node:fs';
import type { Rng } from '#shared/crypto/rng.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import { makeNodeKeys, withNodeKey } from '#shared/node/keys.ts';

const SEED_LENGTH = 32;

/** What a file holds (32 bytes), made at the first start. */
export const readSeed = (file: string, rng: Rng): Uint8Array => {
  const known = read(file);
  const seed = known ?? rng(SEED_LENGTH);
  if (seed.length !== SEED_LENGTH) throw new Error(`${file} holds no key of ${String(SEED_LENGTH)} bytes`);
  if (!known) writeFileSync(file, seed, { mode: 0o600, flag: 'wx' });
  return seed;
};

const read = (file: string): Uint8Array | undefined => {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
};

/** A relay's keys. With a file (32 bytes, made at the first start) its node key stays; the others are fresh. */
export const loadKeys = (file: string | undefined, rng: Rng): NodeKeys => {
  const fresh = makeNodeKeys(rng);
  return file === undefined ? fresh : withNodeKey(fresh, readSeed(file, rng));
};

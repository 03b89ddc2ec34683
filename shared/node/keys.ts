import { dhKeypair } from '../crypto/dh.ts';
import { xwingKeypair } from '../crypto/kem.ts';
import type { Rng } from '../crypto/rng.ts';
import { signKeypair } from '../crypto/sign.ts';
import { nodeId } from '../units.ts';
import type { NodeKeys } from './context.ts';

/** Fresh keys: node (Ed25519), onion (X25519) and signalling (X-Wing). */
export const makeNodeKeys = (rng: Rng): NodeKeys => {
  const signing = signKeypair(rng(32));
  return {
    id: nodeId(signing.public),
    idBytes: signing.public,
    secret: signing.secret,
    onion: dhKeypair(rng(32)),
    signalling: xwingKeypair(rng(32)),
  };
};

/** The same keys under a node key that lasts, from its seed (32). */
export const withNodeKey = (keys: NodeKeys, seed: Uint8Array): NodeKeys => {
  const signing = signKeypair(seed);
  return { ...keys, id: nodeId(signing.public), idBytes: signing.public, secret: signing.secret };
};

import { dhKeypair } from '../crypto/dh.ts';
import { xwingKeypair } from '../crypto/kem.ts';
import type { Rng } from '../crypto/rng.ts';
import { signKeypair } from '../crypto/sign.ts';
import { nodeId, type Millis, type NodeId } from '../units.ts';
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

/** Onion and signalling keys last a day; a handshake or offer that was begun with the one before is still answered. */
export const ROTATION_MS: Millis = 24 * 3_600_000;

/** A node's keys in use: what stays, and what is replaced every day and forgotten a day later. */
export class KeyRing {
  readonly id: NodeId;
  readonly idBytes: Uint8Array;
  readonly secret: Uint8Array;
  #current: NodeKeys;
  #previous: NodeKeys | undefined;

  constructor(keys: NodeKeys) {
    this.id = keys.id;
    this.idBytes = keys.idBytes;
    this.secret = keys.secret;
    this.#current = keys;
  }

  /** The one that a descriptor names. */
  get onionKey(): Uint8Array {
    return this.#current.onion.public;
  }

  /** As `onionKey`. */
  get signallingKey(): Uint8Array {
    return this.#current.signalling.public;
  }

  get onion(): NodeKeys['onion'][] {
    return this.#usable().map(({ onion }) => onion);
  }

  get signalling(): NodeKeys['signalling'][] {
    return this.#usable().map(({ signalling }) => signalling);
  }

  rotate(rng: Rng): void {
    this.#previous = this.#current;
    this.#current = { ...this.#current, onion: dhKeypair(rng(32)), signalling: xwingKeypair(rng(32)) };
  }

  #usable(): NodeKeys[] {
    return this.#previous ? [this.#current, this.#previous] : [this.#current];
  }
}

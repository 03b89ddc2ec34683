import type { Rng } from '../crypto/rng.ts';
import type { Guard } from '../path/guards.ts';
import type { Middle } from '../path/middles.ts';
import type { Millis } from '../units.ts';
import type { NodeKeys } from './context.ts';

export type NodeOptions = {
  keys: NodeKeys;
  rng: Rng;
  now: Millis;
  /** The directory serves requests and relays nothing; a node relays when told to. */
  role: 'node' | 'directory';
  /** Runs without a browser; said in its descriptor. */
  headless?: boolean;
  /** No user sits at it: where no circuit to the directory comes about it registers over its own connection. */
  plain?: boolean;
  /** Names the operator of several nodes (32 bytes), so that no path takes two of them. */
  family?: Uint8Array | undefined;
  maxLinks?: number;
  /** Places for others' inboxes. */
  maxInboxes?: number;
  /** The most work that it asks for one, in bits. */
  maxInboxWork?: number;
  /** How long onion and signalling keys are used. */
  rotationMs?: Millis;
  guards?: Guard[];
  middles?: Middle[];
  /** What convicted a directory in an earlier session. */
  evidence?: Uint8Array | undefined;
  /** The directory's key, where it is known beforehand. */
  directoryKey?: Uint8Array | undefined;
  /** Report every cell on every link. */
  trace?: boolean;
};

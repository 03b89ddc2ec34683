import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { CellCommand } from '../cell/commands.ts';
import { LAYER_OVERHEAD } from '../cell/geometry.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH } from '../crypto/aead.ts';
import { RemoteError } from '../errors.ts';

/**
 * One layer of one hop in one direction: ChaCha20-Poly1305 (RFC 8439) of
 *
 *     kind (1: pass 0 | deliver 1) ‖ inner
 *
 * under a nonce that counts the direction's cells (96 bits, big-endian) and over direction (1: forward 0 |
 * backward 1) ‖ cell command (1) as associated data. So a flipped bit, replay, reorder, drop or changed command
 * fails the tag of the next cell at the latest.
 */
export type Kind = 'pass' | 'deliver';
export type Direction = 'forward' | 'backward';

const PASS = 0;
const DELIVER = 1;

/** The key's nonces and associated data in one direction. Its arrays are reused from cell to cell. */
class Sequence {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array = new Uint8Array(AEAD_NONCE_LENGTH);
  readonly #ad: Uint8Array;

  constructor(key: Uint8Array, direction: Direction) {
    this.key = key;
    this.#ad = new Uint8Array([direction === 'forward' ? 0 : 1, 0]);
  }

  ad(command: CellCommand): Uint8Array {
    this.#ad[1] = command;
    return this.#ad;
  }

  advance(): void {
    const { nonce } = this;
    for (let i = nonce.length - 1; i >= 0; i--) {
      const next = ((nonce[i] ?? 0) + 1) & 0xff;
      nonce[i] = next;
      if (next !== 0) return;
    }
  }
}

export class Sealer {
  readonly #sequence: Sequence;

  constructor(key: Uint8Array, direction: Direction) {
    this.#sequence = new Sequence(key, direction);
  }

  /** `inner` and 17 bytes. */
  seal(kind: Kind, command: CellCommand, inner: Uint8Array): Uint8Array {
    const sequence = this.#sequence;
    const out = new Uint8Array(inner.length + LAYER_OVERHEAD);
    out[0] = kind === 'pass' ? PASS : DELIVER;
    out.set(inner, 1);
    const plaintext = out.subarray(0, inner.length + 1);
    chacha20poly1305(sequence.key, sequence.nonce, sequence.ad(command)).encrypt(plaintext, out);
    sequence.advance();
    return out;
  }
}

export class Opener {
  readonly #sequence: Sequence;

  constructor(key: Uint8Array, direction: Direction) {
    this.#sequence = new Sequence(key, direction);
  }

  /** Throws `bad-layer`, also for an unknown kind; the circuit is lost then. */
  open(command: CellCommand, bytes: Uint8Array): { kind: Kind; inner: Uint8Array } {
    const sequence = this.#sequence;
    if (bytes.length < LAYER_OVERHEAD) throw new RemoteError('bad-layer');
    const out = new Uint8Array(bytes.length - AEAD_TAG_LENGTH);
    try {
      chacha20poly1305(sequence.key, sequence.nonce, sequence.ad(command)).decrypt(bytes, out);
    } catch {
      throw new RemoteError('bad-layer');
    }
    sequence.advance();
    const kind = out[0] ?? 0;
    if (kind > DELIVER) throw new RemoteError('bad-layer', 'an unknown kind');
    return { kind: kind === PASS ? 'pass' : 'deliver', inner: out.subarray(1) };
  }
}

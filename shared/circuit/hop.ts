import { EARLY_CELLS, capacity } from '../cell/geometry.ts';
import { cellCommand, type CellCommand } from '../cell/commands.ts';
import { decodeRelay, encodeRelay, isWhole, type RelayMessage } from '../cell/relay.ts';
import { RemoteError } from '../errors.ts';
import type { Keys } from '../handshake/ntor.ts';
import { Opener, Sealer } from '../onion/layer.ts';

export type Opened =
  | { kind: 'pass'; command: CellCommand; body: Uint8Array }
  | { kind: 'deliver'; early: boolean; message: RelayMessage };

/**
 * The responder's half of a circuit: one layer, and the count of RELAY_EARLY cells. A relay, the directory and a
 * contact (hop 5) all stand on it.
 */
export class Hop {
  readonly position: number;
  readonly binding: Uint8Array;
  readonly #forward: Opener;
  readonly #backward: Sealer;
  #early = 0;

  constructor(keys: Keys, position: number) {
    this.position = position;
    this.binding = keys.binding;
    this.#forward = new Opener(keys.forward, 'forward');
    this.#backward = new Sealer(keys.backward, 'backward');
  }

  /** Throws `bad-early` on the ninth RELAY_EARLY cell, `bad-layer` or `malformed`. */
  open(command: CellCommand, body: Uint8Array): Opened {
    const early = command === cellCommand.RELAY_EARLY;
    if (early && ++this.#early > EARLY_CELLS)
      throw new RemoteError('bad-early', 'too many RELAY_EARLY cells');
    const { kind, inner } = this.#forward.open(command, body);
    if (!isWhole(inner, this.position)) throw new RemoteError('malformed', 'a cell of the wrong length');
    if (kind === 'pass') return { kind, command, body: inner };
    return { kind, early, message: decodeRelay(inner) };
  }

  /** The body of a backward cell that begins here. */
  seal(message: RelayMessage): Uint8Array {
    return this.#backward.seal('deliver', cellCommand.RELAY, encodeRelay(message, capacity(this.position)));
  }

  /** The body of a backward cell that passes through here. Throws `malformed` when its length is not this hop's. */
  wrap(body: Uint8Array): Uint8Array {
    if (!isWhole(body, this.position)) throw new RemoteError('malformed', 'a cell of the wrong length');
    return this.#backward.seal('pass', cellCommand.RELAY, body);
  }
}

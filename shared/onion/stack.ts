import { type CellCommand, cellCommand } from '../cell/commands.ts';
import { isWhole } from '../cell/relay.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { Keys } from '../handshake/ntor.ts';
import { Opener, Sealer } from './layer.ts';

type Layer = { readonly sealer: Sealer; readonly opener: Opener };

/** The initiator's layers, hop 1 first. */
export class OnionStack {
  readonly #layers: Layer[] = [];

  get length(): number {
    return this.#layers.length;
  }

  /** The next hop. */
  add(keys: Keys): void {
    this.#layers.push({
      sealer: new Sealer(keys.forward, 'forward'),
      opener: new Opener(keys.backward, 'backward'),
    });
  }

  /** The body of a cell on link 1 that hop `hop` (from 1) delivers; `message` has `capacity(hop)` bytes. */
  sealTo(hop: number, command: CellCommand, message: Uint8Array): Uint8Array {
    const last = this.#layers[hop - 1];
    if (!last || !isWhole(message, hop)) throw new LocalError('internal', 'no such hop, or not its capacity');
    let body = last.sealer.seal('deliver', command, message);
    for (let i = hop - 2; i >= 0; i--) body = this.#layers[i]?.sealer.seal('pass', command, body) ?? body;
    return body;
  }

  /**
   * What came back on link 1, and the hop that said it. Throws `bad-layer`, or `unexpected` when even the last hop
   * passes it on.
   */
  open(body: Uint8Array): { hop: number; message: Uint8Array } {
    let inner = body;
    for (const [index, { opener }] of this.#layers.entries()) {
      const opened = opener.open(cellCommand.RELAY, inner);
      if (opened.kind === 'deliver') return { hop: index + 1, message: opened.inner };
      inner = opened.inner;
    }
    throw new RemoteError('unexpected', 'a cell from beyond the last hop');
  }
}

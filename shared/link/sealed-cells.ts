import { concat } from '../bytes/bytes.ts';
import { counterNonce, open, seal } from '../crypto/aead.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE } from '../cell/geometry.ts';
import { LocalError, RemoteError } from '../errors.ts';

/**
 * A link's messages, sealed for a way that passes them on, each cell by itself, so that all have one size (1,169):
 *
 *     sealed cell = ChaCha20-Poly1305( kind (1: 0 more follows | 1 ends its message | 2 hello) ‖ cell (1,152) )
 *
 * Each direction has its own key, and its nonce counts what was sealed. The first of each side is a hello, whose cell is zeros:
 * who has seen it knows that the other side holds the keys.
 */
const kind = { MORE: 0, LAST: 1, HELLO: 2 } as const;

export type SealingKeys = { send: Uint8Array; receive: Uint8Array };

export class SealedCells {
  readonly #keys: SealingKeys;
  #sent = 0;
  #received = 0;
  #cells: Uint8Array[] = [];

  constructor(keys: SealingKeys) {
    this.#keys = keys;
  }

  /** Goes out before everything else. */
  hello(): Uint8Array {
    if (this.#sent > 0) throw new LocalError('internal', 'a hello comes first');
    return this.#seal(kind.HELLO, new Uint8Array(CELL_LENGTH));
  }

  /** One message of whole cells. */
  seal(message: Uint8Array): Uint8Array[] {
    const sealed: Uint8Array[] = [];
    for (let at = 0; at < message.length; at += CELL_LENGTH) {
      const end = at + CELL_LENGTH;
      sealed.push(this.#seal(end < message.length ? kind.MORE : kind.LAST, message.subarray(at, end)));
    }
    return sealed;
  }

  /**
   * A message once its last cell came; `hello` for the first of all. Throws `bad-layer` for one that is changed, comes again,
   * or comes where another was due; `unexpected` or `malformed` for what no honest side seals.
   */
  open(sealed: Uint8Array): 'hello' | 'more' | { message: Uint8Array } {
    const content = open(this.#keys.receive, counterNonce(this.#received), sealed);
    this.#received += 1;
    if ((this.#received === 1) !== (content[0] === kind.HELLO)) throw new RemoteError('unexpected');
    if (content.length !== 1 + CELL_LENGTH) throw new RemoteError('malformed', 'not one cell');
    if (content[0] === kind.HELLO) return 'hello';
    this.#cells.push(content.subarray(1));
    if (this.#cells.length > CELLS_PER_MESSAGE)
      throw new RemoteError('malformed', 'a message of too many cells');
    if (content[0] === kind.MORE) return 'more';
    if (content[0] !== kind.LAST) throw new RemoteError('malformed', 'an unknown kind');
    const message = concat(...this.#cells);
    this.#cells = [];
    return { message };
  }

  #seal(byte: number, cell: Uint8Array): Uint8Array {
    const content = new Uint8Array(1 + CELL_LENGTH);
    content[0] = byte;
    content.set(cell, 1);
    const sealed = seal(this.#keys.send, counterNonce(this.#sent), content);
    this.#sent += 1;
    return sealed;
  }
}

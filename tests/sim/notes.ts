import { text } from '#shared/bytes/bytes.ts';
import { Hop } from '#shared/circuit/hop.ts';
import { Opener } from '#shared/onion/layer.ts';
import type { Input } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeId } from '#shared/units.ts';

/** All that one node saw: what went in and out of it, and what lay under each layer that it could open. */
export type Note = {
  readonly bytes: Uint8Array[];
  readonly texts: Set<string>;
  /** By the circuit whose hop it is. */
  readonly layers: Map<object, Uint8Array[]>;
  /** By the layer of a circuit of its own. */
  readonly own: Map<object, Uint8Array[]>;
  /** Its own IP addresses, as its offers and answers name them. */
  readonly addresses: Set<string>;
  /** Tags of the inboxes that it was told to join. */
  readonly tags: { exit: NodeId; tag: Uint8Array }[];
};

const blank = (): Note => ({
  ...{ bytes: [], texts: new Set(), layers: new Map(), own: new Map(), addresses: new Set(), tags: [] },
});

/** Everything that a value holds: bytes, and texts such as an IP address. */
const takeDown = (value: unknown, note: Note): void => {
  if (value instanceof Uint8Array) note.bytes.push(value.slice());
  else if (typeof value === 'string') note.texts.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const each of Object.values(value)) takeDown(each, note);
};

/** What is its own. */
const takeOwn = (input: Input, { addresses, tags }: Note): void => {
  if (input.type === 'peer-session')
    for (const { address } of input.session.candidates) addresses.add(address);
  if (input.type === 'command' && input.command.type === 'connect') tags.push(...input.command.inboxes);
};

/** Has every node of this process write down what it sees, until `end`. */
export class Notes {
  readonly of = new Map<Node, Note>();
  readonly #receive = Node.prototype.receive;
  readonly #open = Opener.prototype.open;
  readonly #hop = Hop.prototype.open;
  #current: Note | undefined;

  constructor() {
    const { of } = this;
    const [receive, open, hop] = [this.#receive, this.#open, this.#hop];
    let carrying = false;
    const enter = (node: Node): Note => {
      const note = of.get(node) ?? blank();
      of.set(node, note);
      this.#current = note;
      return note;
    };
    Node.prototype.receive = function (input, now) {
      const note = enter(this);
      takeOwn(input, note);
      takeDown(input, note);
      const outputs = receive.call(this, input, now);
      takeDown(outputs, note);
      return outputs;
    };
    const opened = (opener: Opener, inner: Uint8Array): void => {
      const layers = carrying ? this.#current?.layers : this.#current?.own;
      layers?.set(opener, [...(layers.get(opener) ?? []), inner.slice()]);
    };
    Opener.prototype.open = function (command, bytes) {
      const result = open.call(this, command, bytes);
      opened(this, result.inner);
      return result;
    };
    Hop.prototype.open = function (command, body) {
      carrying = true;
      try {
        return hop.call(this, command, body);
      } finally {
        carrying = false;
      }
    };
  }

  /** The node that was the last to appear. */
  get newest(): Note {
    return [...this.of.values()].at(-1) as Note;
  }

  end(): void {
    Node.prototype.receive = this.#receive;
    Opener.prototype.open = this.#open;
    Hop.prototype.open = this.#hop;
  }
}

const holds = (bytes: Uint8Array, wanted: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(Buffer.from(wanted));

/** Whether the value, or half of it, stands anywhere among these. */
export const found = (bytes: Iterable<Uint8Array>, wanted: Uint8Array): boolean => {
  const half = wanted.length < 32 ? wanted.length : Math.ceil(wanted.length / 2);
  const parts = [wanted.subarray(0, half), wanted.subarray(wanted.length - half)];
  for (const each of bytes) if (parts.some((part) => holds(each, part))) return true;
  return false;
};

/** Whether this IP address stands anywhere in a note: as such, or in a session description whose bytes can be read. */
export const names = (note: Note, address: string): boolean => {
  const field = Uint8Array.of(0, address.length, ...text(address));
  return note.texts.has(address) || allOf(note).some((bytes) => holds(bytes, field));
};

/** Everything in a note that is made of bytes. */
export const allOf = ({ bytes, layers, own }: Note): Uint8Array[] => [
  ...bytes,
  ...[...layers.values(), ...own.values()].flat(),
];

import type { RelayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import type { Hop } from '../circuit/hop.ts';
import type { Code } from '../errors.ts';
import type { StreamId } from '../units.ts';
import type { Handle } from './input.ts';

/** This node's hop of a circuit, as what serves its origin there sees it. */
export type RelayEnd = {
  readonly handle: Handle;
  readonly hop: Hop;
  /** Cells that wait on the link towards the origin. */
  readonly queued: number;
  readonly isOpen: boolean;
  /** Sends a message of this hop's to the origin. */
  deliver(message: RelayMessage): void;
  /** The same for one that may be longer than a cell. */
  deliverAll(stream: StreamId, command: RelayCommand, body: Uint8Array): void;
  /** Passes a body of the hop behind this one to the origin. Throws `malformed` when its length is wrong. */
  passBack(body: Uint8Array): void;
  /** Tells the origin that the way on does not exist (any more), and waits for it to destroy the circuit. */
  refuse(code: Code): void;
  /** Ends it from here, both ways. */
  destroy(code: Code): void;
};

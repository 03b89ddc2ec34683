import { AEAD_TAG_LENGTH } from '../crypto/aead.ts';
import { DH_LENGTH } from '../crypto/dh.ts';
import { KEM_CIPHERTEXT_LENGTH, KEM_PUBLIC_LENGTH } from '../crypto/kem.ts';
import { FRAGMENT_HEADER } from '../bytes/fragments.ts';
import { LocalError } from '../errors.ts';
import { NODE_ID_LENGTH } from '../units.ts';

/** Every size on the wire, in bytes, derived from these few and asserted below. Nothing else holds a literal size. */

/** The one size of a cell: with its headers it fits one SCTP DATA chunk of the browsers' packets. */
export const CELL_LENGTH = 1152;
/** circuit id (4) ‖ command (1) ‖ used length (2). */
export const CELL_HEADER = 7;
export const BODY_LENGTH = CELL_LENGTH - CELL_HEADER;

/** The most whole cells in one message of a link, and the most bytes that such a message may have. */
export const CELLS_PER_MESSAGE = 14;
const MESSAGE_LIMIT = 16 * 1024;

/** AEAD( kind (1) ‖ cell ): one cell on a link by way of the server. */
export const SEALED_CELL_LENGTH = 1 + CELL_LENGTH + AEAD_TAG_LENGTH;

/** kind (1) ‖ … ‖ tag (16). */
export const LAYER_OVERHEAD = 1 + AEAD_TAG_LENGTH;

/** stream id (2) ‖ command (1) ‖ length (2). */
export const RELAY_HEADER = 5;

/** The hops of a circuit, counted from 1: guard, middle, exit, then the contact's exit or the directory, then the contact. */
export const EXIT_HOP = 3;
export const CONTACT_HOP = 5;
export const MAX_HOPS = CONTACT_HOP;

/** The first forward cells of a circuit, which alone may carry an EXTEND. */
export const EARLY_CELLS = 8;

/** Bytes of a relay message for hop `hop`, whatever it says. */
export const capacity = (hop: number): number => BODY_LENGTH - LAYER_OVERHEAD * hop;

/** Bytes used in every relay cell of a circuit on its `link`-th link; both ways. */
export const usedLength = (link: number): number => BODY_LENGTH - LAYER_OVERHEAD * (link - 1);

/** The most data of one relay message for hop `hop`. */
export const dataRoom = (hop: number): number => capacity(hop) - RELAY_HEADER;

export const TAG_LENGTH = 16;

/** Hybrid ntor. */
export const KEY_PREFIX_LENGTH = 8;
export const EXTENSIONS_LENGTH = 8;
export const CONFIRM_LENGTH = 16;
/** version (1) ‖ B-prefix (8) ‖ X (32) ‖ ek (1184) ‖ sealed extensions (8 + 16). */
export const ONIONSKIN_LENGTH =
  1 + KEY_PREFIX_LENGTH + DH_LENGTH + KEM_PUBLIC_LENGTH + EXTENSIONS_LENGTH + AEAD_TAG_LENGTH;
/** Y (32) ‖ ct (1088) ‖ confirm (16). */
export const REPLY_LENGTH = DH_LENGTH + KEM_CIPHERTEXT_LENGTH + CONFIRM_LENGTH;

/** Fragments of a message of `length` bytes where one cell has `room`. */
export const fragmentsOf = (length: number, room: number): number =>
  Math.max(1, Math.ceil(length / (room - FRAGMENT_HEADER)));

const hold = (holds: boolean, what: string): void => {
  if (!holds) throw new LocalError('internal', `the geometry does not hold: ${what}`);
};

hold(CELLS_PER_MESSAGE * CELL_LENGTH <= MESSAGE_LIMIT, 'a message of cells');
hold(usedLength(1) === BODY_LENGTH && capacity(1) + LAYER_OVERHEAD === BODY_LENGTH, 'the first link is full');
hold(
  capacity(CONTACT_HOP) + LAYER_OVERHEAD <= dataRoom(EXIT_HOP),
  'a bridged cell on an inbox circuit of three hops',
);
hold(fragmentsOf(ONIONSKIN_LENGTH, BODY_LENGTH) === 2, 'CREATE takes two cells');
hold(fragmentsOf(REPLY_LENGTH, BODY_LENGTH) === 1, 'CREATED takes one');
hold(fragmentsOf(REPLY_LENGTH, dataRoom(1)) === 2, 'EXTENDED takes two from any hop');
hold(fragmentsOf(REPLY_LENGTH, dataRoom(EXIT_HOP + 1)) === 2, 'JOINED takes two');
hold(
  3 * fragmentsOf(NODE_ID_LENGTH + ONIONSKIN_LENGTH, dataRoom(EXIT_HOP)) +
    fragmentsOf(TAG_LENGTH + ONIONSKIN_LENGTH, dataRoom(EXIT_HOP + 1)) ===
    EARLY_CELLS,
  'three EXTENDs and a JOIN take the early cells',
);

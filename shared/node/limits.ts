import type { Millis } from '../units.ts';

/** Longest onionskin (1,225 bytes and sealed extensions) that is put together. */
export const MAX_ONIONSKIN = 1400;

/** A handshake that is half done after this is given up. */
export const HANDSHAKE_MS: Millis = 5000;

/** An inbox's owner waits in line for a place for so long, then goes elsewhere. */
export const LINE_MS: Millis = 30_000;

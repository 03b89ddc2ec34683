import type { Millis } from '../units.ts';

/** Longest onionskin (1,225 bytes and sealed extensions) that is put together. */
export const MAX_ONIONSKIN = 1400;

/** A handshake that is half done after this is given up. */
export const HANDSHAKE_MS: Millis = 5000;

/** An inbox's lease lasts an epoch; who wants it longer opens the inbox again in time. */
export const LEASE_MS: Millis = 60 * 60_000;

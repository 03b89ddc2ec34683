import { createHmac, randomBytes } from 'node:crypto';
import type { Millis } from '#shared/units.ts';
import type { Turn } from './config.ts';
import type { IceServer } from './values.ts';

const ID_BYTES = 8;

/**
 * The credential that belongs to a time-limited name at a TURN server which knows `secret`: base64 of
 * HMAC-SHA1(secret, name), as draft-uberti-behave-turn-rest-00 section 2.2 and coturn's `use-auth-secret` have it.
 */
export const turnCredential = (secret: string, username: string): string =>
  createHmac('sha1', secret).update(username).digest('base64');

/**
 * The operator's TURN servers with fresh credentials. The name is `expiry:id`: until when it is good, in seconds
 * since 1970, and 16 random hex digits, so that nobody can tell from it who asked.
 */
export const turnServer = ({ urls, secret, ttlS }: Turn, now: Millis): Required<IceServer> => {
  const expiryS = Math.floor(now / 1_000) + ttlS;
  const username = `${String(expiryS)}:${randomBytes(ID_BYTES).toString('hex')}`;
  return { urls, username, credential: turnCredential(secret, username) };
};

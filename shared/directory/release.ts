import { sign, verify } from '../crypto/sign.ts';

/**
 * A directory that serves the app signs the list of its files, so that nobody is given a program of which the directory
 * could deny that it came from there. What is signed is the list's bytes, as they are served.
 */
const LABEL = 'hourglass release 1';

/** 64 bytes. */
export const signRelease = (secret: Uint8Array, list: Uint8Array): Uint8Array => sign(LABEL, secret, list);

export const verifyRelease = (directoryKey: Uint8Array, list: Uint8Array, signature: Uint8Array): boolean =>
  verify(LABEL, directoryKey, signature, list);

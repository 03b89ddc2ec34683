import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signRelease } from '#shared/directory/release.ts';

/** The list of the built app's files, which the build has made. */
const LIST = 'release.json';

/** The directory's signature of the app that it serves, 64 bytes; undefined where it serves none. */
export const releaseSignature = (webDir: string, secret: Uint8Array): Uint8Array | undefined => {
  let list: Uint8Array;
  try {
    list = readFileSync(join(webDir, LIST));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return signRelease(secret, list);
};

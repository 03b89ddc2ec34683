import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import { dhKeypair, type DhKeypair } from '#shared/crypto/dh.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { LocalError } from '#shared/errors.ts';
import { nodeId, type NodeId } from '#shared/units.ts';

/** The directory as a hop: its Ed25519 key, whose public part is its node id and signs consensuses, and its onion key. */
export type DirectoryKeys = { id: NodeId; signing: SignKeypair; onion: DhKeypair };

const SEED_LENGTH = 32;

const seed = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.transform(unhex));
/** The two seeds (32 bytes each) in hex. */
const stored = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ version: v.literal(1), signing: seed, onion: seed }),
);

/**
 * The keys in `file`, made at the first start. The file is written whole or not at all, and the first of several
 * writers wins. Throws `storage` when it can't be read as keys: they are never made anew over a damaged file, since
 * clients hold on to the directory's key.
 */
export const loadKeys = (file: string): DirectoryKeys => {
  const content = readIfThere(file) ?? (create(file), readFileSync(file, 'utf8'));
  protect(file);
  const result = v.safeParse(stored, content);
  if (!result.success) throw new LocalError('storage', `${file} is damaged; restore it from a backup`);
  const signing = signKeypair(result.output.signing);
  return { id: nodeId(signing.public), signing, onion: dhKeypair(result.output.onion) };
};

/** A secret that is mounted read-only has the rights that its operator gave it. */
const protect = (file: string): void => {
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    if (!['EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};

const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LocalError('storage', `${file} cannot be read: ${(error as Error).message}`);
  }
};

const create = (file: string): void => {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.${basename(file)}.${hex(randomBytes(8))}`);
  const seeds = { version: 1, signing: hex(randomBytes(SEED_LENGTH)), onion: hex(randomBytes(SEED_LENGTH)) };
  try {
    writeSynced(draft, `${JSON.stringify(seeds)}\n`);
    linkSync(draft, file);
    syncFolder(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
};

const writeSynced = (file: string, content: string): void => {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Without it the new name may be lost with the machine's power. */
const syncFolder = (folder: string): void => {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

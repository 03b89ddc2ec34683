import { equal, text } from '#shared/bytes/bytes.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import type { RequestFor } from '#shared/directory/purposes.ts';
import { recordId, signRecord, verifyRecord } from '#shared/directory/records.ts';
import { codeOf, LocalError, RemoteError } from '#shared/errors.ts';

/**
 * Two browsers must not be one user at a time: each would take messages that the other never sees. So every restoring begins a
 * new life of the address, numbered by its time in ms (0: the first one), and says so in a record at the directory that only who
 * has the address can write: slot 0 of an owner key by HKDF of its seed, the revision its number, the content 4,096
 * random bytes. Whoever finds a later life than its own there has to stop.
 */
const LIFE = text('hourglass life 1');
const SLOT = 0;

export type Ask = (request: RequestFor<'record'>) => Promise<DirectoryResponse>;

export const lifeOwner = (addressSeed: Uint8Array): SignKeypair => signKeypair(hkdf(addressSeed, LIFE, 32));

/** The latest life that was told of. Rejects with RemoteError. */
export const latestLife = async (ask: Ask, owner: SignKeypair): Promise<number> => {
  try {
    const found = await ask({ type: 'get-record', recordId: recordId(owner.public, SLOT) });
    if (found.type !== 'record' || !equal(found.key, owner.public) || found.slot !== SLOT)
      throw new RemoteError('unexpected', 'not the record that was asked for');
    if (!verifyRecord(found)) throw new RemoteError('bad-signature');
    return found.revision;
  } catch (error) {
    if (codeOf(error) === 'not-found') return 0;
    throw error;
  }
};

/** Rejects with RemoteError, among them `stale` when there is a later life. */
export const tellLife = async (ask: Ask, owner: SignKeypair, life: number, rng: Rng): Promise<void> => {
  const blob = rng(BLOB_SIZES[0]);
  await ask({ type: 'put-record', ...signRecord(owner, { slot: SLOT, revision: life, blob }) });
};

/** Nothing of it is left but that there was one. Rejects with RemoteError. */
export const eraseLife = async (ask: Ask, owner: SignKeypair, life: number): Promise<void> => {
  const blob = new Uint8Array(0);
  await ask({ type: 'put-record', ...signRecord(owner, { slot: SLOT, revision: life + 1, blob }) });
};

export const moved = (): LocalError =>
  new LocalError(
    'moved',
    'you went on in another browser: erase this profile, or begin again here from a backup',
  );

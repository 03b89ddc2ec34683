import { LocalError } from '#shared/errors.ts';
import type { ClientApi } from '#web/api.ts';
import type { Core } from '#web/core/core.ts';
import { MAX_BACKUP_BYTES } from '#web/core/keeping/sealed-file.ts';

type KeepingCommands = Pick<
  ClientApi,
  | 'setPassphrase'
  | 'recoveryPhrase'
  | 'keepPhrase'
  | 'backup'
  | 'readBackup'
  | 'restoreBackup'
  | 'setServerBackup'
  | 'eraseEverything'
>;

/** The directory may be out of reach, and what is here has to go all the same. */
const ERASING_MS = 10_000;

export const keepingCommands = (core: Core): KeepingCommands => ({
  setPassphrase: (passphrase) => core.keeping.lock(passphrase ?? undefined),
  recoveryPhrase: () => core.keeping.words(),
  keepPhrase: () => core.keeping.keepPhrase(),

  async backup() {
    const file = await core.keeping.backup();
    return new Blob([file as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' });
  },

  async readBackup(backup, phrase) {
    return core.keeping.read(await bytesOf(backup), phrase);
  },

  async restoreBackup(backup, phrase) {
    await core.keeping.restore(await bytesOf(backup), phrase);
    core.stop();
  },

  async setServerBackup(on) {
    core.started();
    await core.keeping.setCopy(on);
  },

  async eraseEverything() {
    await core.keeping.condemn();
    const elsewhere = core.keeping.lives
      .permit()
      .then(() => Promise.allSettled([core.messenger?.withdraw(), core.keeping.withdraw()]))
      .catch(() => undefined);
    const late = new Promise<void>((done) => void core.host.ports.timer(ERASING_MS, done));
    await Promise.race([elsewhere, late]);
    core.stop();
    await core.options.store.erase();
    core.options.erased?.();
  },
});

/** Throws LocalError `oversized` before it reads what can be none. */
const bytesOf = async (backup: Blob | null): Promise<Uint8Array | undefined> => {
  if (!backup) return undefined;
  if (backup.size > MAX_BACKUP_BYTES) throw new LocalError('oversized', 'this is no backup: it is too large');
  return new Uint8Array(await backup.arrayBuffer());
};

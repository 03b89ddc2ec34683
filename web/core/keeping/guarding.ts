import { LocalError } from '#shared/errors.ts';
import type { ClientApi } from '#web/api.ts';
import type { Keeping } from '#web/core/keeping/keeping.ts';
import { moved } from '#web/core/keeping/life.ts';

/** What somebody who went on in another browser may still do in the old one: read, and get rid of it. */
const reading: ReadonlySet<keyof ClientApi> = new Set<keyof ClientApi>([
  ...(['state', 'stop', 'messages', 'files', 'fileContent', 'search', 'markRead', 'safetyNumber'] as const),
  ...(['setRelaying', 'setCover', 'isSigned', 'connect', 'disconnect', 'avoid'] as const),
  ...(['invites', 'previewInvite'] as const),
  ...(['setRelayLimits', 'setSurroundings', 'setMostNeighbours', 'lookAgain'] as const),
  ...(['setPassphrase', 'recoveryPhrase', 'keepPhrase', 'backup', 'readBackup', 'eraseEverything'] as const),
]);

/** `api`, whose other methods reject with LocalError `moved` after that; and all but two with `finished` once the store is another. */
export const guarding = (keeping: Keeping, api: ClientApi): ClientApi => {
  const guarded = Object.entries(api).map(([name, method]) => {
    const call = (...args: unknown[]): Promise<unknown> => {
      if (keeping.over && name !== 'state' && name !== 'stop')
        return Promise.reject(new LocalError('finished', 'open this page again'));
      if (keeping.lives.moved && !reading.has(name as keyof ClientApi)) return Promise.reject(moved());
      return (method as (...args: unknown[]) => Promise<unknown>)(...args);
    };
    return [name, call];
  });
  return Object.fromEntries(guarded) as ClientApi;
};

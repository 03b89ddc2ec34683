import { systemRng } from '#relay/host.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { encodeIdentity, makeIdentity } from '#web/core/conversation/identity.ts';
import { staleConversation } from '#web/core/conversation/reestablish.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** Whoever opens the store next goes by another key under the same address, and in new groups. */
export const rekey = async (store: Store): Promise<void> => {
  const records = await store.all('identity');
  const seed = new Map(records).get('seed');
  if (!seed) throw new Error('no identity');
  const identity = makeIdentity(systemRng, signKeypair(seed), Date.now() + 86_400_000);
  await store.write([
    ...records
      .filter(([key]) => key.startsWith('package/'))
      .map(([key]): Change => ({ table: 'identity', key, value: undefined })),
    { table: 'identity', key: 'mls', value: encodeIdentity(identity) },
    ...(await store.all('conversations')).map(([key, value]): Change => ({
      table: 'conversations',
      key,
      value: staleConversation(value),
    })),
  ]);
};

import { randomBytes } from 'node:crypto';
import {
  decodeConversation,
  emptyMessage,
  encodeConversation,
  encodeMessage,
  messageKey,
} from '#web/core/conversation/records.ts';
import { MESSAGE_ID_LENGTH } from '#web/core/conversation/content.ts';
import type { Store } from '#web/core/store/ports.ts';
import type { ClientApi } from '#web/api.ts';
import { meet } from '#tests/support/chat.ts';
import type { Tab } from '#tests/support/browser.ts';
import type { TestNetwork } from '#tests/support/test-network.ts';

type Exposed = typeof globalThis & { hourglass: { client: ClientApi } };

const STEP_MS = 120_000;

/** Makes the user of a tab, who has not started, one who has had a long conversation; resolves with its id. */
export const giveOldChat = async (network: TestNetwork, tab: Tab, count: number): Promise<string> => {
  const [old, friend] = [await network.addClient(), await network.addClient()];
  await old.client.start({ name: 'Old' });
  await friend.client.start({ name: 'Friend' });
  const { conversation } = (await meet(old.client, friend.client)).guest;
  await old.client.stop();
  await write(old.store, conversation, count);
  const again = await network.addClient({ store: old.store });
  const phrase = await again.client.recoveryPhrase();
  const backup = Buffer.from(await (await again.client.backup()).arrayBuffer());
  await again.client.stop();
  await tab.page.evaluate(
    async ({ content, words }) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      await (globalThis as Exposed).hourglass.client.restoreBackup(new Blob([bytes]), words);
    },
    { content: backup.toString('base64'), words: phrase },
  );
  await tab.reload();
  return conversation;
};

/** As though these had come and gone, two minutes apart. */
const write = async (store: Store, id: string, count: number): Promise<void> => {
  const stored = await store.get('conversations', id);
  if (!stored) throw new Error('there is no such conversation');
  const conversation = decodeConversation(stored);
  const first = conversation.nextPosition;
  const now = Date.now();
  await store.write(
    Array.from({ length: count }, (_, i) => {
      const sentAt = now - (count - i) * STEP_MS;
      const mine = i % 3 === 0;
      const state = mine ? 'read' : 'delivered';
      const messageId = new Uint8Array(randomBytes(MESSAGE_ID_LENGTH));
      const value = encodeMessage({
        ...emptyMessage,
        ...{ id: messageId, conversation: id, mine, sentAt, state, position: first + i },
        text: `Message ${String(i + 1)}. ${'The lighthouse keeper counts the ships. '.repeat(i % 5)}`,
        timeline: [{ state, at: sentAt }],
      });
      return { table: 'messages', key: messageKey(id, Buffer.from(messageId).toString('hex')), value };
    }),
  );
  const nextPosition = first + count;
  const value = encodeConversation({ ...conversation, nextPosition, readTo: nextPosition });
  await store.write([{ table: 'conversations', key: id, value }]);
};

import type { ConversationView } from '#web/api.ts';
import { t } from '../i18n/text.ts';

export type Badge = { text: string; kind: 'sand' | 'danger' | '' };

/** What a chat's row says before anything that was written in it, or null. */
export function badgeOf(conversation: ConversationView): Badge | null {
  if (conversation.blocked) return { text: t('people.blocked'), kind: '' };
  if (conversation.state === 'invited') return { text: t('people.request'), kind: 'sand' };
  if (conversation.verified === 'changed') return { text: t('people.keyChanged'), kind: 'danger' };
  return null;
}

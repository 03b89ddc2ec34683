import type { ConversationView, FileView, MessageView } from '#web/api.ts';

/** Why nothing can be written in a conversation now, or null. */
export type Closed = 'blocked' | 'left' | 'invited' | 'paused';

export function closedBy(conversation: ConversationView): Closed | null {
  if (conversation.blocked) return 'blocked';
  if (conversation.state === 'left' || conversation.state === 'invited') return conversation.state;
  return conversation.verified === 'changed' ? 'paused' : null;
}

export type Act = 'react' | 'reply' | 'copy' | 'save' | 'details' | 'delete' | 'deleteAll';

/** What may be done with a message, in the order of its menu. */
export function actsOf(
  message: MessageView,
  conversation: ConversationView,
  file: FileView | undefined,
): Act[] {
  if (message.event !== null) return [];
  const whole = !message.deleted;
  const open = whole && closedBy(conversation) === null;
  const acts: [Act, boolean][] = [
    ['react', open],
    ['reply', open],
    ['copy', whole && message.text !== ''],
    ['save', whole && file?.state === 'done'],
    ['details', true],
    ['delete', true],
    ['deleteAll', open && message.mine],
  ];
  return acts.filter(([, offered]) => offered).map(([act]) => act);
}

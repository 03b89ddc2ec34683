import type { ConversationView } from '#web/api.ts';

/** The most people in a group, the person here among them. */
export const MAX_MEMBERS = 16;

/** Whom one can put into a group: contacts who have accepted, are not blocked and are not in it. */
export function addable(all: ConversationView[], group: ConversationView | null): ConversationView[] {
  const inside = new Set(group?.members.map((member) => member.id));
  return all.filter(
    (one) => one.kind === 'contact' && one.state === 'active' && !one.blocked && !inside.has(one.id),
  );
}

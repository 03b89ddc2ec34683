import type { MessageView } from '#web/api.ts';
import type { People } from './people.ts';

/** The few at hand, and those one step away. */
export const palette = ['👍', '❤️', '😂', '😮', '😢', '🙏'] as const;
export const moreEmoji = [
  ...['😀', '😅', '🙂', '😉', '😊', '😍', '😘', '🤔', '🤨', '😐', '🙄', '😴'],
  ...['😎', '🥳', '🤯', '😭', '😡', '🤢', '🫠', '🫡', '🤝', '👏', '🙌', '💪'],
  ...['👋', '👌', '✌️', '🤞', '👎', '👀', '💛', '💚', '💙', '💜', '🖤', '💔'],
  ...['🔥', '✨', '🎉', '🌊', '⛵', '🌻', '☕', '🍰', '✅', '❌', '❓', '💯'],
] as const;

/** One emoji under a message, and who chose it. */
export type Reaction = { emoji: string; count: number; mine: boolean; names: string[] };

/** In the order in which each emoji came first. */
export function reactionsOf(message: MessageView, people: People): Reaction[] {
  const byEmoji = new Map<string, Reaction>();
  for (const { by, emoji } of message.reactions) {
    const one = byEmoji.get(emoji) ?? { emoji, count: 0, mine: false, names: [] };
    byEmoji.set(emoji, {
      emoji,
      count: one.count + 1,
      mine: one.mine || by === null,
      names: [...one.names, people(by)],
    });
  }
  return [...byEmoji.values()];
}

export const ownReaction = (message: MessageView): string | null =>
  message.reactions.find((one) => one.by === null)?.emoji ?? null;

// The longest that a reaction may be is 32 bytes of UTF-8 (web/core/conversation/content.ts).
const mostBytes = 32;
// Made at its first use, for that takes a tenth of a second; and by the constructor, for the compiler's target does not
// know the flag.
let wholeEmoji: RegExp | undefined;
const nearlyEmoji = /^\p{Extended_Pictographic}$/u;

/** A single emoji out of what somebody typed, or null. A bare symbol such as ❤ gets its colours. */
export function emojiIn(typed: string): string | null {
  const text = typed.trim();
  wholeEmoji ??= new RegExp('^\\p{RGI_Emoji}$', 'v');
  const emoji = nearlyEmoji.test(text) && !wholeEmoji.test(text) ? `${text}\ufe0f` : text;
  return wholeEmoji.test(emoji) && new TextEncoder().encode(emoji).length <= mostBytes ? emoji : null;
}

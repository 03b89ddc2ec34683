import type { Millis } from '#shared/units.ts';
import { decodeMessage } from '#web/core/conversation/records.ts';
import type { Contents } from '#web/core/keeping/contents.ts';
import { isOver } from '#web/core/keeping/gather.ts';
import { kept } from '#web/core/keeping/records.ts';
import type { Change } from '#web/core/store/ports.ts';

/** What puts a backup in place: one write. What came to its end since it was made stays away; the life is a new one. */
export const restoring = (contents: Contents, entropy: Uint8Array, now: Millis): Change[] => [
  ...contents.entries.filter(
    ({ table, value }) => table !== 'messages' || !isOver(decodeMessage(value), now),
  ),
  kept('phrase', { entropy, kept: true }),
  kept('life', { life: Math.max(now, contents.life + 1), told: false, moved: false }),
  kept('copy', {
    ...{ on: contents.copied, at: contents.copied ? contents.madeAt : undefined, bytes: 0 },
    ...{ changed: contents.copied, erasing: false, error: undefined },
  }),
];

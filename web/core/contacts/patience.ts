import { LocalError, codeOf, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';

const TRIES = 5;
const PAUSE_MS: Millis = 1500;

/** With these another circuit may do, or a little time: a client that has just begun has no way to anywhere yet. */
const passing: readonly Code[] = [
  ...(['timeout', 'unreachable', 'link-lost', 'destroyed', 'try-later'] as const),
  ...(['too-small-network', 'no-consensus'] as const),
];

/** The same request a few times, for who waits for its answer; `passes`: whether what went wrong may be gone by then. Rejects as the last try does. */
export const patiently = async <T>(
  { timer }: Pick<Host['ports'], 'timer'>,
  request: () => Promise<T>,
  passes: (code: Code) => boolean = (code) => passing.includes(code),
): Promise<T> => {
  for (let left = TRIES; ; left--) {
    try {
      return await request();
    } catch (error) {
      if (left === 1 || error instanceof LocalError || !passes(codeOf(error))) throw error;
      await new Promise<void>((done) => timer(PAUSE_MS, done));
    }
  }
};

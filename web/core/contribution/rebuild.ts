import { TreeBuilder, type Entry, type Tree } from '#shared/contribution/tree.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';

/** Cells wait for no longer than this. */
const SLICE_MS: Millis = 8;
/** Hashes between two looks at the clock: some 0.3 ms each. */
const STEP = 4;

/** The tree of an epoch's entries, built in slices between which whatever else is due has its turn. */
export const rebuild = (
  entries: readonly Entry[],
  { now, later }: Pick<Host['ports'], 'now' | 'later'>,
): Promise<Tree> =>
  new Promise((resolve) => {
    const builder = new TreeBuilder(entries);
    const slice = (): void => {
      const end = now() + SLICE_MS;
      while (now() < end) if (builder.step(STEP)) return resolve(builder.finish());
      later(slice);
    };
    later(slice);
  });

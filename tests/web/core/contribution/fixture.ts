import { fieldBytes } from '#shared/contribution/field.ts';
import { encode } from '#shared/bytes/codec.ts';
import { epochPlan, epochStart } from '#shared/contribution/epochs.ts';
import { sortEntries } from '#shared/contribution/entries.ts';
import { commitmentOf } from '#shared/contribution/tags.ts';
import { TreeBuilder, type Entry } from '#shared/contribution/tree.ts';
import { responseCodec } from '#shared/directory/messages.ts';
import { secretNamed } from '#tests/circuits/sample.ts';
import { rngOf } from '#tests/shared/node/bench.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

export const plan = epochPlan(60_000);
export const EPOCH = 30_000_000;

/** The ports of which these parts of the core make use, over a clock that a test moves. */
export const portsFrom = (clock: VirtualClock, seed = 1) => ({
  now: clock.now,
  rng: rngOf(seed),
  timer: clock.after,
  later: (run: () => void): void => void clock.after(0, run),
});

/** One second after an epoch's end. */
export const clockAfter = (epoch: number): VirtualClock =>
  new VirtualClock(epochStart(epoch + 1, plan) + 1000);

/** An epoch in which so many others qualified, each with its lowest tier, and these commitments besides. */
export const closedWith = (
  others: number,
  own: readonly Entry[],
): { entries: Entry[]; root: Uint8Array; leaves: Uint8Array } => {
  const strangers = Array.from({ length: others }, (_, at) => ({
    commitment: commitmentOf(secretNamed(`stranger ${String(at)}`)),
    score: 3,
  }));
  const entries = sortEntries([...strangers, ...own]);
  const root = fieldBytes(new TreeBuilder(entries).finish().root);
  return { entries, root, leaves: encode(responseCodec, { type: 'leaves', entries }) };
};

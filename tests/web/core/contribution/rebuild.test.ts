import { expect, it } from 'vitest';
import { rebuild } from '#web/core/contribution/rebuild.ts';
import { entries, tree } from '#tests/circuits/sample.ts';

it('a tree is built in slices of some milliseconds, and is the tree', async () => {
  const turns: (() => void)[] = [];
  let time = 0;
  // Each look at the clock costs a millisecond, as if the hashes between two took that long.
  const built = rebuild(entries, { now: () => time++, later: (run) => void turns.push(run) });
  let slices = 0;
  for (let next = turns.shift(); next; next = turns.shift()) {
    const began = time;
    next();
    slices += 1;
    expect(time - began).toBeLessThanOrEqual(10);
    expect(turns.length).toBeLessThanOrEqual(1);
  }
  const { root, siblings } = await built;
  expect([root, siblings(17)]).toEqual([tree.root, tree.siblings(17)]);
  expect(slices).toBeGreaterThan(1);
});

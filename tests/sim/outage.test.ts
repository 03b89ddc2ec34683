import { expect, it } from 'vitest';
import { World } from './world.ts';

const MINUTE_MS = 60_000;

it('a client whose links all failed for long is back soon after they can be made again', async () => {
  const world = await new World({ seed: 7 }).start();
  const relays = await world.relays(4);
  for (const relay of relays) world.unreachable.add(relay);
  const alice = world.add('alice', false);
  alice.command({ type: 'open-inboxes', count: 1 });
  await world.clock.pass(20 * MINUTE_MS);
  const guards = alice.seen('guards').at(-1)?.guards ?? [];
  expect(guards.every(({ retryAt }) => retryAt > world.clock.now() + MINUTE_MS)).toBe(true);
  expect(alice.inboxes).toEqual([]);
  world.unreachable.clear();
  await world.until('an inbox is open', () => alice.inboxes.length === 1, 45_000);
});

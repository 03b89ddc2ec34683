import { expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { World } from './world.ts';

/** All that passes on the links of a world in which nodes register, link and are audited for a while. */
const played = async (seed: number): Promise<string[]> => {
  const auditor = signKeypair(new Uint8Array(32).fill(5)).public;
  const world = await new World({ seed, epochMs: 60_000, contribution: 'observe', auditor }).start();
  const passed: string[] = [];
  world.tamper = (from, to, data) => {
    passed.push(`${String(world.clock.now())} ${from.name} ${to.name} ${hex(data.subarray(0, 64))}`);
    return [data];
  };
  await world.relays(4);
  await world.clock.pass(20_000);
  passed.push(hex(world.directory.services.consensus?.bytes ?? new Uint8Array(0)));
  return passed;
};

it('a world of one seed is the same world each time, and of another seed another', async () => {
  const first = await played(1);
  expect(first.length).toBeGreaterThan(20);
  expect(await played(1)).toEqual(first);
  expect(await played(2)).not.toEqual(first);
});

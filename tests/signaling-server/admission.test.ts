import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { searchWork, workBits } from '#shared/crypto/work.ts';
import { registrationChallenge } from '#shared/directory/work.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { Admission } from '#server/services/admission.ts';
import { Circuit } from '#server/services/context.ts';
import { defaultLimits } from '#server/services/limits.ts';
import { type Client, DirectoryFixture } from './directory-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const asked = (bits: number): object => ({ type: 'work', bits });
const MINUTE_MS = 60_000;

describe('the work that is asked for', () => {
  const admission = (): Admission => new Admission({ newcomers: 120, maxNodes: 1_000, mostBits: 24 });
  const stranger = new Circuit(1, new Uint8Array(32), defaultLimits, 0);

  it('is none while newcomers are few, and a bit more for each doubling of their rate', () => {
    const gate = admission();
    const bitsAfter = (count: number): number => {
      for (let i = 0; i < count; i++) gate.admitted(stranger, 0, 0);
      return gate.bits(0, 0);
    };
    expect([119, 1, 119, 1, 239, 1].map(bitsAfter)).toEqual([0, 14, 14, 15, 15, 16]);
    expect(bitsAfter(1_000_000)).toBe(24);
    expect(gate.bits(0, 20 * MINUTE_MS)).toBe(0);
  });

  it('falls as time passes', () => {
    const gate = admission();
    for (let i = 0; i < 480; i++) gate.admitted(stranger, 0, 0);
    expect([0, 1, 2].map((minutes) => gate.bits(0, minutes * MINUTE_MS))).toEqual([16, 14, 0]);
  });

  it('rises as the directory fills', () => {
    const nodes = [0, 499, 500, 749, 750, 875, 938, 969, 985, 999];
    expect(nodes.map((count) => admission().bits(count, 0))).toEqual([0, 0, 14, 14, 16, 18, 20, 22, 24, 24]);
  });

  it('is none where the operator asks for none', () => {
    const gate = new Admission({ newcomers: 1, maxNodes: 10, mostBits: 0 });
    gate.admitted(stranger, 0, 0);
    expect(gate.bits(9, 0)).toBe(0);
  });
});

describe('a busy directory', () => {
  let folder: string;
  let fixture: DirectoryFixture;

  const begin = async (more: Partial<DirectoryOptions> = { limits: { newcomers: 1 } }): Promise<void> => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-admission-'));
    fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), more);
    await fixture.directory.start();
    expect(await fixture.client(10).register()).toEqual(ok);
  };
  afterEach(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  });

  /** Work that shows `bits` on the client's circuit, and no more than `below`. */
  const workOf = (client: Client, bits: number, below = 256): number => {
    const challenge = registrationChallenge(client.binding, client.id);
    for (let from = 1; ;) {
      const found = searchWork(challenge, bits, from, 100_000);
      if (!('work' in found)) from = found.next;
      else if (workBits(challenge, found.work) < below) return found.work;
      else from = found.work + 1;
    }
  };

  it('lists a newcomer that worked, and none that did not', async () => {
    await begin();
    const client = fixture.client(11);
    expect(await client.register()).toEqual(asked(14));
    expect(await client.register(undefined, workOf(client, 10, 14))).toEqual(asked(14));
    await fixture.clock.pass(2_000);
    expect(fixture.listed).not.toContain(client.id);
    expect(await client.register(undefined, workOf(client, 14))).toEqual(ok);
    await fixture.clock.pass(2_000);
    expect(fixture.listed).toContain(client.id);
  });

  it('takes no work of another circuit or node, nor the same twice', async () => {
    await begin();
    const [client, elsewhere, other] = [fixture.client(11), fixture.client(11), fixture.client(12)];
    // Enough for what is asked when it leaves, too.
    const work = workOf(client, 16);
    expect(await elsewhere.register(undefined, work)).toMatchObject({ type: 'work' });
    expect(await other.register(undefined, work)).toMatchObject({ type: 'work' });
    expect(await client.register(undefined, work)).toEqual(ok);
    expect(await client.leave(0)).toEqual(ok);
    expect(await client.register(undefined, work)).toMatchObject({ type: 'work' });
  });

  it('asks nothing of a node that is there, on whatever circuit', async () => {
    await begin();
    expect(await fixture.client(10).register()).toEqual(ok);
  });

  it('holds to what it asked for two minutes, while it asks more of others', async () => {
    await begin({ limits: { newcomers: 2 } });
    const [client, late] = [fixture.client(11), fixture.client(12)];
    expect(await client.register()).toEqual(ok);
    expect(await late.register()).toEqual(asked(14));
    for (let seed = 20; seed < 24; seed++) {
      const crowd = fixture.client(seed);
      const answer = await crowd.register();
      if (answer.type === 'work') await crowd.register(undefined, workOf(crowd, answer.bits));
    }
    expect(await fixture.client(13).register()).toEqual(asked(15));
    expect(await late.register()).toEqual(asked(14));
    expect(await late.register(undefined, workOf(late, 14, 15))).toEqual(ok);
  });

  it('holds to it no longer than that', async () => {
    await begin({ limits: { newcomers: 1 }, maxNodes: 8 });
    const late = fixture.client(11);
    expect(await late.register()).toEqual(asked(14));
    for (let seed = 20; seed < 25; seed++) {
      const crowd = fixture.client(seed);
      const answer = await crowd.register();
      if (answer.type === 'work') await crowd.register(undefined, workOf(crowd, answer.bits));
    }
    await fixture.clock.pass(60_000);
    expect(await late.register()).toEqual(asked(14));
    for (const seed of [10, 20, 21, 22, 23, 24]) expect(await fixture.client(seed).register()).toEqual(ok);
    await fixture.clock.pass(61_000);
    expect(await late.register()).toEqual(asked(16));
  });

  it('is full at the end, whatever anybody shows', async () => {
    await begin({ maxNodes: 2 });
    const [second, third] = [fixture.client(11), fixture.client(12)];
    expect(await second.register(undefined, workOf(second, 14))).toEqual(ok);
    expect(await third.register(undefined, workOf(third, 14))).toEqual(refusal('too-many'));
  });
});

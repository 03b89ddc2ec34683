import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chainLink, follows, type ChainLink } from '#shared/directory/consensus.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { LocalError } from '#shared/errors.ts';
import { nodeId } from '#shared/units.ts';
import type { ConsensusRecord } from '#server/stores/ports.ts';
import { directoryKeys, DirectoryFixture } from './directory-fixture.ts';

const MINUTE_MS = 60_000;
/** Longer than any leadership lasts by itself. */
const LEASE_MS = 10_000;

let folder: string;
let one: DirectoryFixture;
let two: DirectoryFixture;
let chain: ConsensusRecord[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-leader-'));
  const file = join(folder, 'archive.sqlite');
  one = new DirectoryFixture(file);
  two = new DirectoryFixture(file, {}, undefined, one);
  chain = [];
  const append = one.archive.appendConsensus.bind(one.archive);
  vi.spyOn(one.archive, 'appendConsensus').mockImplementation(async (record) => {
    const claimed = await append(record);
    if (claimed) chain.push(record);
    return claimed;
  });
  await one.directory.start();
  await two.directory.start();
});
afterEach(async () => {
  await two.stop();
  await one.stop();
  rmSync(folder, { recursive: true });
});

const link = (fixture: DirectoryFixture): ChainLink => chainLink(fixture.bytes, fixture.consensus);
const leaders = (): DirectoryFixture[] => [one, two].filter(({ directory }) => directory.leads);

/** The process stops without a word: it renews nothing and gives nothing back. */
const freeze = (): (() => void) => {
  const { live } = one;
  const lead = live.lead.bind(live);
  const spy = vi
    .spyOn(live, 'lead')
    .mockImplementation((process, ...rest) =>
      process === 'one' ? Promise.reject(new Error('frozen')) : lead(process, ...rest),
    );
  return () => spy.mockRestore();
};

describe('of two processes', () => {
  it('one makes the consensuses, and both show them', async () => {
    for (let minute = 0; minute < 3; minute++) {
      await one.clock.pass(MINUTE_MS);
      expect(leaders()).toEqual([one]);
      expect(follows(link(one), link(two))).toBe('same');
    }
    expect(chain.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(new Set(chain.map(({ fence }) => fence)).size).toBe(1);
  });

  it('each lists the nodes of the other soon', async () => {
    const [here, there] = [one.client(10), two.client(11)];
    await here.register();
    await there.register();
    await one.clock.pass(5_000);
    for (const { listed } of [one, two]) expect(listed).toEqual([here.id, there.id].sort());
  });

  it('the other follows at once on one that ends', async () => {
    await one.directory.stop();
    await one.clock.pass(2_000);
    expect(leaders()).toEqual([two]);
    expect(two.consensus.sequence).toBe(2);
    expect(chain[1]?.fence).toBeGreaterThan(chain[0]?.fence ?? Infinity);
  });

  it('the other follows on one that died, once its time is up, and the chain has no gap', async () => {
    const before = link(two);
    const thaw = freeze();
    await one.clock.pass(LEASE_MS);
    expect(leaders()).toEqual([two]);
    expect(follows(before, link(two))).toBe('new');
    thaw();
    await one.clock.pass(3 * MINUTE_MS);
    expect(leaders()).toEqual([two]);
    for (const [i, { sequence, time, fence }] of chain.entries()) {
      expect(sequence).toBe(i + 1);
      expect(time - (chain[i - 1]?.time ?? time)).toBeLessThanOrEqual(2 * MINUTE_MS);
      expect(fence).toBeGreaterThanOrEqual(chain[i - 1]?.fence ?? 0);
    }
  });

  it('two that both take themselves for the leader fork nothing', async () => {
    vi.spyOn(one.live, 'lead').mockResolvedValue(9);
    for (let minute = 0; minute < 3; minute++) {
      await one.clock.pass(MINUTE_MS);
      expect(leaders()).toHaveLength(2);
      expect(follows(link(one), link(two))).toBe('same');
    }
    expect(chain.map(({ sequence }) => sequence)).toEqual(chain.map((_, i) => i + 1));
  });

  it('the leader puts back who was there when the store has lost it', async () => {
    const [here, there] = [one.client(10), two.client(11)];
    await here.register();
    await there.register();
    await one.clock.pass(5_000);
    for (const { id } of [here, there]) await one.live.removePresence(id);
    vi.spyOn(one.live, 'wasEmptied').mockResolvedValueOnce(true);
    await one.clock.pass(5_000);
    expect(one.listed).toEqual([here.id, there.id].sort());
  });

  it('the leader tries until who was there is back, and makes no list before', async () => {
    const node = one.client(10);
    await node.register();
    await one.clock.pass(5_000);
    const { sequence } = one.consensus;
    await one.live.removePresence(node.id);
    vi.spyOn(one.live, 'wasEmptied').mockResolvedValueOnce(true);
    const failing = vi.spyOn(one.archive, 'nodes').mockRejectedValue(new LocalError('storage'));
    await one.clock.pass(2 * MINUTE_MS);
    expect(one.consensus.sequence).toBe(sequence);
    failing.mockRestore();
    await one.clock.pass(5_000);
    expect(one.consensus.sequence).toBeGreaterThan(sequence);
    expect(one.listed).toEqual([node.id]);
  });

  it('one with other keys is turned away, and adds nothing to the chain', async () => {
    const signing = signKeypair(new Uint8Array(32).fill(77));
    const keys = { ...directoryKeys, id: nodeId(signing.public), signing };
    const stranger = new DirectoryFixture(join(folder, 'archive.sqlite'), { keys }, undefined, one);
    await expect(stranger.directory.start()).rejects.toMatchObject({ code: 'bad-key' });
    await stranger.stop();
    expect(chain).toHaveLength(1);
  });
});

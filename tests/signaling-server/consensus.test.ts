import { DEFAULT_EPOCH_MS, epochPlan } from '#shared/contribution/epochs.ts';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  chainLink,
  contradict,
  follows,
  readConsensus,
  type ChainLink,
} from '#shared/directory/consensus.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { compose } from '#server/services/compose.ts';
import type { Presence } from '#server/stores/ports.ts';
import { beaten, directoryKeys, DirectoryFixture } from './directory-fixture.ts';

const NOTHING = new Uint8Array(32);

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

let folder: string;
let fixture: DirectoryFixture;

const begin = async (more: Partial<DirectoryOptions> = {}, now?: number): Promise<void> => {
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), more, now);
  await fixture.directory.start();
};
const link = (): ChainLink => chainLink(fixture.bytes, fixture.consensus);
const register = async (...seeds: number[]): Promise<void> => {
  for (const seed of seeds) expect(await fixture.client(seed).register()).toEqual({ type: 'ok' });
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-consensus-'));
  await begin();
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

describe('the chain of consensuses', () => {
  it('begins at the start, and is the same over HTTP and over a circuit', async () => {
    expect(fixture.consensus).toMatchObject({
      sequence: 1,
      time: fixture.clock.now(),
      previous: new Uint8Array(32),
      directoryOnionKey: directoryKeys.onion.public,
      nodes: [],
      params: { directoryHops: 3, registrationDelayMs: 0, minimumNodes: 8, policy: 'off' },
    });
    const answer = await fixture.client(1).ask({ type: 'consensus', after: 0 });
    expect(answer).toEqual({ type: 'consensus', bytes: fixture.bytes });
  });

  it('grows by one a minute, each naming the one before', async () => {
    for (let minute = 1; minute < 5; minute++) {
      const before = link();
      await fixture.clock.pass(MINUTE_MS);
      expect(follows(before, link())).toBe('new');
      expect(link()).toMatchObject({ sequence: minute + 1, previous: before.hash });
    }
  });

  it('tells a small network of a change at once, though not more often than every 2 s', async () => {
    await fixture.clock.pass(10_000);
    await register(10);
    await fixture.clock.pass(0);
    expect(fixture.consensus).toMatchObject({ sequence: 2, nodes: { length: 1 } });
    await fixture.clock.pass(500);
    await register(11, 12, 13);
    await fixture.clock.pass(1_400);
    expect(fixture.consensus.sequence).toBe(2);
    await fixture.clock.pass(200);
    expect(fixture.consensus).toMatchObject({ sequence: 3, nodes: { length: 4 } });
    await fixture.clock.pass(20_000);
    expect(fixture.consensus.sequence).toBe(3);
  });

  it('tells a larger network once a minute', async () => {
    await fixture.stop();
    await begin({ heartbeatTtlMs: 10 * MINUTE_MS });
    await register(...Array.from({ length: 24 }, (_, i) => 20 + i));
    await fixture.clock.pass(MINUTE_MS);
    expect(fixture.listed).toHaveLength(24);
    const { sequence } = fixture.consensus;
    await register(99);
    await fixture.clock.pass(MINUTE_MS - 5_000);
    expect(fixture.consensus.sequence).toBe(sequence);
    await fixture.clock.pass(5_000);
    expect(fixture.consensus.sequence).toBe(sequence + 1);
    expect(fixture.listed).toHaveLength(25);
  });

  it('lists nodes by id, as they described themselves', async () => {
    await register(10, 11, 12, 13, 14, 15, 16, 17);
    await fixture.clock.pass(2_000);
    expect(fixture.listed).toEqual([...fixture.listed].sort());
    expect(fixture.consensus.params.registrationDelayMs).toBe(100_000);
    expect(fixture.consensus.nodes[0]).toMatchObject({ exit: true, guard: true, weight: 1_000 });
  });

  it('stays one when another process has made the next one', async () => {
    const foreign = {
      sequence: 2,
      fence: 1,
      time: fixture.clock.now(),
      hash: new Uint8Array(32).fill(7),
      bytes: fixture.bytes,
    };
    expect(await fixture.archive.appendConsensus(foreign)).toBe(true);
    await fixture.clock.pass(2_000);
    expect(fixture.directory.consensus).toEqual(foreign);
    await fixture.clock.pass(MINUTE_MS);
    expect(fixture.consensus).toMatchObject({ sequence: 3, previous: foreign.hash });
  });

  it('goes on when the archive answers again', async () => {
    const fail = vi.spyOn(fixture.archive, 'appendConsensus').mockRejectedValue(new Error('disk full'));
    await fixture.clock.pass(3 * MINUTE_MS);
    expect(fixture.consensus.sequence).toBe(1);
    fail.mockRestore();
    await fixture.clock.pass(2_000);
    expect(fixture.consensus.sequence).toBe(2);
  });
});

describe('a directory that starts again', () => {
  it('with a restored archive contradicts nothing that it signed after that', async () => {
    await fixture.clock.pass(3 * MINUTE_MS);
    const kept = link();
    const restored = join(folder, 'restored.sqlite');
    await fixture.stop();
    copyFileSync(join(folder, 'archive.sqlite'), restored);
    await begin({ consensusMs: 1_500 }, fixture.clock.now());
    const lost: ChainLink[] = [];
    for (let i = 0; i < 500; i++) {
      await fixture.clock.pass(1_500);
      lost.push(link());
    }
    expect((lost.at(-1) as ChainLink).sequence - kept.sequence).toBeGreaterThanOrEqual(500);
    await fixture.stop();
    fixture = new DirectoryFixture(restored, {}, fixture.clock.now());
    await fixture.directory.start();
    for (let minute = 0; minute < 3; minute++) {
      expect([kept, ...lost].filter((each) => contradict(each, link()))).toEqual([]);
      expect(follows(lost.at(-1) as ChainLink, link())).toBe('new');
      await fixture.clock.pass(MINUTE_MS);
    }
  });

  it('continues the chain and keeps its nodes until they are back', async () => {
    const node = fixture.client(10);
    await node.register();
    await fixture.clock.pass(MINUTE_MS);
    const before = link();
    const { since } = fixture.consensus.nodes[0] ?? {};
    const now = fixture.clock.now();
    await fixture.stop();

    await begin({}, now + MINUTE_MS);
    expect(follows(before, link())).toBe('new');
    expect(fixture.consensus.previous).toEqual(before.hash);
    expect(fixture.listed).toEqual([node.id]);
    expect(await fixture.client(10).beat(0)).toEqual(beaten);
    await fixture.clock.pass(80_000);
    expect(fixture.consensus.nodes).toMatchObject([{ id: node.id, since }]);
  });

  it('drops nodes that do not return in 10 minutes, and those long gone at once', async () => {
    await register(10);
    await fixture.clock.pass(MINUTE_MS);
    const now = fixture.clock.now();
    await fixture.stop();
    await begin({}, now);
    await fixture.clock.pass(8 * MINUTE_MS);
    expect(fixture.listed).toHaveLength(1);
    await fixture.clock.pass(2 * MINUTE_MS);
    expect(fixture.listed).toEqual([]);

    await register(11);
    const later = fixture.clock.now() + 11 * MINUTE_MS;
    await fixture.stop();
    await begin({}, later);
    expect(fixture.listed).toEqual([]);
  });

  it('never makes an earlier time, even when its clock runs back', async () => {
    const { time } = fixture.consensus;
    await fixture.stop();
    await begin({}, time - DAY_MS);
    const consensus = readConsensus(fixture.bytes).verify({});
    expect(consensus).toMatchObject({ sequence: 2, time: time + 1 });
  });

  it('leaves no timer behind', async () => {
    await fixture.directory.stop();
    expect(fixture.clock.alarms).toBe(0);
  });
});

describe('guards', () => {
  const now = 1_800_000_000_000;
  const presencesOf = (...uptimesMs: number[]): Presence[] =>
    uptimesMs.map((uptimeMs, i) => {
      const node = fixture.client(40 + i);
      return {
        node: node.id,
        descriptor: node.descriptor(now),
        published: now,
        since: now - uptimeMs,
        seen: now,
      };
    });
  const undisturbed = {
    registrationDelayMs: 0,
    epochs: epochPlan(DEFAULT_EPOCH_MS),
    contribution: 'off' as const,
    standing: { contributionEpoch: 0, contributionRoot: NOTHING, auditPlan: NOTHING, tokenKey: NOTHING },
  };
  const guardsAmong = (...uptimesMs: number[]): number[] => {
    const presences = presencesOf(...uptimesMs);
    const more = { ...undisturbed, keys: directoryKeys, previous: undefined, directoryHops: 1 };
    const { nodes } = compose({ ...more, presences, now });
    return nodes
      .filter(({ guard }) => guard)
      .map(({ since }) => now - since)
      .sort((a, b) => a - b);
  };

  /** By how long they have been there, where nodes register within `registrationDelayMs`. */
  const exitsAmong = (registrationDelayMs: number, at: number, ...uptimesMs: number[]): number[] => {
    const presences = presencesOf(...uptimesMs);
    const more = { ...undisturbed, keys: directoryKeys, previous: undefined, directoryHops: 4 };
    const { nodes } = compose({ ...more, presences, registrationDelayMs, now: at });
    return nodes
      .filter(({ exit }) => exit)
      .map(({ since }) => now - since)
      .sort((a, b) => a - b);
  };

  it('and exits: the eight oldest at once, all others together when the next two delays begin', () => {
    const oldest = [91, 92, 93, 94, 95, 96, 97, 98];
    const young = [1, 2, 30];
    // `now` is a whole number of spans.
    expect(now % (10 * MINUTE_MS)).toBe(0);
    const all = [...young, ...oldest];
    expect(exitsAmong(5 * MINUTE_MS, now - 1, ...all)).toEqual(oldest);
    expect(exitsAmong(5 * MINUTE_MS, now, ...all)).toEqual(all);
    expect(exitsAmong(5 * MINUTE_MS, now, 0, -5, ...all)).toEqual(all);
    expect(exitsAmong(5 * MINUTE_MS, now + 10 * MINUTE_MS - 1, 0, -5, ...all)).toEqual(all);
    expect(exitsAmong(5 * MINUTE_MS, now + 10 * MINUTE_MS, 0, -5, ...all)).toEqual([-5, 0, ...all]);
    expect(exitsAmong(5 * MINUTE_MS, now - 1, ...young)).toEqual(young);
    expect(exitsAmong(0, now, 0, -5, ...all)).toHaveLength(13);
  });

  it('are those as old as the median', () => {
    expect(guardsAmong()).toEqual([]);
    expect(guardsAmong(5)).toEqual([5]);
    expect(guardsAmong(1, 2, 3, 4)).toEqual([2, 3, 4]);
    expect(guardsAmong(1, 2, 3, 4, 5)).toEqual([3, 4, 5]);
    expect(guardsAmong(7, 7, 7)).toEqual([7, 7, 7]);
  });

  it('are all that have been here for 8 days', () => {
    const days = [1, 8, 9, 10, 11].map((n) => n * DAY_MS);
    expect(guardsAmong(...days)).toEqual(days.slice(1));
  });

  it('are not those whose keys are past their time', () => {
    const [old, young] = presencesOf(10, 5) as [Presence, Presence];
    const more = { ...undisturbed, keys: directoryKeys, previous: undefined, directoryHops: 1 };
    const presences = [{ ...old, published: now - 3 * DAY_MS }, young];
    expect(compose({ ...more, presences, now }).nodes.map(({ id }) => id)).toEqual([young.node]);
  });
});

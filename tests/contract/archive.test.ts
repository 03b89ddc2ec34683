import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Archive, ConsensusRecord, DescriptorRecord, NodeRecord } from '#server/stores/ports.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';
import { nodeId } from '#shared/units.ts';

type Fixture = {
  /** Another one over the same data, once the one before is closed. */
  open(): Archive;
  remove(): void;
};

const implementations: Record<string, () => Fixture> = {
  sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'hourglass-archive-'));
    return {
      open: () => new SqliteArchive(join(folder, 'archive.sqlite')),
      remove: () => {
        rmSync(folder, { recursive: true });
      },
    };
  },
};

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

const consensusOf = (sequence: number, byte = sequence): ConsensusRecord => ({
  sequence,
  time: sequence * 100,
  hash: filled(32, byte),
  bytes: filled(500, byte),
});

const descriptorOf = (id: number, revision: number, expires = 1_000): DescriptorRecord => ({
  id: filled(32, id),
  blindedKey: filled(32, id + 1),
  period: 20_000,
  revision,
  blob: filled(16_384, revision % 256),
  signature: filled(64, revision % 256),
  expires,
});

const nodeOf = (byte: number, seen: number): NodeRecord => ({
  node: nodeId(filled(32, byte)),
  descriptor: filled(1_355, byte),
  published: 5,
  since: 6,
  seen,
});

describe.each(Object.entries(implementations))('the archive port over %s', (_name, create) => {
  let fixture: Fixture;
  let archive: Archive;

  beforeEach(() => {
    fixture = create();
    archive = fixture.open();
  });
  afterEach(async () => {
    await archive.close();
    fixture.remove();
  });

  const reopen = async (): Promise<void> => {
    await archive.close();
    archive = fixture.open();
  };

  it('holds the chain of consensuses, one under each number', async () => {
    expect(await archive.latestConsensus()).toBeUndefined();
    expect(await archive.appendConsensus(consensusOf(1))).toBe(true);
    expect(await archive.appendConsensus(consensusOf(2))).toBe(true);
    expect(await archive.appendConsensus(consensusOf(2, 99))).toBe(false);
    expect(await archive.latestConsensus()).toEqual(consensusOf(2));
  });

  it('gives a number to one of many who claim it at once', async () => {
    const claims = Array.from({ length: 8 }, (_, i) => archive.appendConsensus(consensusOf(1, i + 1)));
    expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
  });

  it('stores higher revisions only', async () => {
    const { id } = descriptorOf(1, 0);
    expect(await archive.descriptor(id, 0)).toBeUndefined();
    expect(await archive.putDescriptor(descriptorOf(1, 5))).toBe(true);
    for (const revision of [4, 5]) expect(await archive.putDescriptor(descriptorOf(1, revision))).toBe(false);
    expect(await archive.descriptor(id, 0)).toEqual(descriptorOf(1, 5));
    const highest = Number.MAX_SAFE_INTEGER;
    expect(await archive.putDescriptor(descriptorOf(1, highest))).toBe(true);
    expect(await archive.descriptor(id, 0)).toEqual(descriptorOf(1, highest));
    expect(await archive.descriptorCount()).toBe(1);
  });

  it('serves no descriptor past its time', async () => {
    await archive.putDescriptor(descriptorOf(1, 1, 1_000));
    expect(await archive.descriptor(filled(32, 1), 999)).toBeDefined();
    expect(await archive.descriptor(filled(32, 1), 1_000)).toBeUndefined();
  });

  it('remembers nodes by when they were last seen', async () => {
    await archive.putNodes([]);
    await archive.putNodes([nodeOf(2, 200), nodeOf(1, 100)]);
    await archive.putNodes([nodeOf(1, 300)]);
    expect(await archive.nodes(0)).toEqual([nodeOf(1, 300), nodeOf(2, 200)]);
    expect(await archive.nodes(201)).toEqual([nodeOf(1, 300)]);
    await archive.removeNode(nodeOf(1, 0).node);
    await archive.removeNode(nodeOf(1, 0).node);
    expect(await archive.nodes(0)).toEqual([nodeOf(2, 200)]);
  });

  it('sweeps what is past its time and leaves the latest consensus', async () => {
    for (const sequence of [1, 2, 3]) await archive.appendConsensus(consensusOf(sequence));
    await archive.putDescriptor(descriptorOf(1, 1, 1_000));
    await archive.putDescriptor(descriptorOf(2, 1, 1_001));
    await archive.putNodes([nodeOf(1, 99), nodeOf(2, 100)]);
    await archive.sweep({ now: 1_000, nodesBefore: 100, chainBefore: 9_999 });
    expect(await archive.latestConsensus()).toEqual(consensusOf(3));
    expect(await archive.appendConsensus(consensusOf(3))).toBe(false);
    expect(await archive.descriptorCount()).toBe(1);
    expect(await archive.descriptor(filled(32, 2), 1_000)).toBeDefined();
    expect(await archive.nodes(0)).toEqual([nodeOf(2, 100)]);
  });

  it('has it all when it is opened again', async () => {
    await archive.appendConsensus(consensusOf(7));
    await archive.putDescriptor(descriptorOf(1, 3));
    await archive.putNodes([nodeOf(1, 50)]);
    await reopen();
    expect(await archive.latestConsensus()).toEqual(consensusOf(7));
    expect(await archive.descriptor(filled(32, 1), 0)).toEqual(descriptorOf(1, 3));
    expect(await archive.nodes(0)).toEqual([nodeOf(1, 50)]);
  });

  it('says "storage" when it can store nothing', async () => {
    await archive.close();
    await expect(archive.putDescriptor(descriptorOf(1, 1))).rejects.toMatchObject({ code: 'storage' });
    await expect(archive.nodes(0)).rejects.toMatchObject({ code: 'storage' });
    archive = fixture.open();
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encode } from '#shared/bytes/codec.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { requestCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { recordId, signRecord, verifyRecord, type SignedRecord } from '#shared/directory/records.ts';
import { LocalError } from '#shared/errors.ts';
import { DirectoryFixture } from './directory-fixture.ts';
import { waitsFor } from './held.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const owner = signKeypair(new Uint8Array(32).fill(5));
const RECORD_LIFE_MS = 180 * 24 * 3_600_000;
const stranger = signKeypair(new Uint8Array(32).fill(6));

const recordOf = (slot: number, revision: number, size = 4_096, by = owner): SignedRecord =>
  signRecord(by, { slot, revision, blob: new Uint8Array(size).fill(revision) });

let folder: string;
let fixture: DirectoryFixture;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-records-'));
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { limits: { requests: 1_000 } });
  await fixture.directory.start();
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

const put = (record: SignedRecord): Promise<DirectoryResponse> =>
  fixture.client(1).ask({ type: 'put-record', ...record });
const get = (slot: number, key = owner.public): Promise<DirectoryResponse> =>
  fixture.client(2).ask({ type: 'get-record', recordId: recordId(key, slot) });

describe('records', () => {
  it('are found by who can compute the id, as their owner signed them', async () => {
    for (const [slot, size] of [
      [0, 4_096],
      [7, 16_384],
      [255, 65_536],
    ] as const) {
      const record = recordOf(slot, 1, size);
      expect(await put(record)).toEqual(ok);
      const found = await get(slot);
      expect(found).toEqual({ type: 'record', ...record });
      expect(verifyRecord(found as unknown as SignedRecord)).toBe(true);
    }
    expect(await get(8)).toEqual(refusal('not-found'));
    expect(await get(0, stranger.public)).toEqual(refusal('not-found'));
  });

  it('are replaced by higher revisions only, and one sent again is answered as before', async () => {
    expect(await put(recordOf(1, 5))).toEqual(ok);
    expect(await put(recordOf(1, 5))).toEqual(ok);
    expect(await put(recordOf(1, 4))).toEqual(refusal('stale'));
    expect(await put(recordOf(1, 5, 16_384))).toEqual(refusal('stale'));
    expect(await put(recordOf(1, 6, 16_384))).toEqual(ok);
    expect(await put(recordOf(1, 5))).toEqual(refusal('stale'));
    expect(await get(1)).toMatchObject({ revision: 6 });
  });

  it('have a place for each slot of each owner', async () => {
    for (const record of [recordOf(1, 5), recordOf(2, 1), recordOf(1, 1, 4_096, stranger)])
      expect(await put(record)).toEqual(ok);
    expect(await get(1)).toMatchObject({ revision: 5 });
    expect(await get(1, stranger.public)).toMatchObject({ revision: 1 });
  });

  it('are refused when another signed them', async () => {
    const record = recordOf(1, 1);
    for (const forged of [
      { ...record, key: stranger.public },
      { ...record, slot: 2 },
      { ...record, revision: 2 },
      { ...record, blob: new Uint8Array(4_096) },
      { ...record, signature: new Uint8Array(64) },
    ]) {
      expect(await put(forged)).toEqual(refusal('bad-signature'));
    }
    expect(await get(1)).toEqual(refusal('not-found'));
  });

  it('are erased by an empty one, which only a higher one follows', async () => {
    await put(recordOf(1, 5));
    const erased = recordOf(1, 6, 0);
    expect(await put(erased)).toEqual(ok);
    expect(await get(1)).toEqual({ type: 'record', ...erased });
    expect(await put(recordOf(1, 5))).toEqual(refusal('stale'));
    expect(await put(recordOf(1, 7))).toEqual(ok);
  });

  it('have one of a few sizes', async () => {
    const bytes = encode(requestCodec, { type: 'put-record', ...recordOf(1, 1, 16_384) });
    const client = fixture.client(1);
    expect(await client.askRaw(new Uint8Array([...bytes, 0]))).toEqual(refusal('malformed'));
    expect(await client.askRaw(bytes.slice(0, -1))).toEqual(refusal('malformed'));
    const sized = bytes.slice();
    sized[1 + 32 + 1 + 8] = 4;
    expect(await client.askRaw(sized)).toEqual(refusal('malformed'));
    expect(await client.askRaw(bytes)).toEqual(ok);
  });

  it('are stored before they are answered', async () => {
    expect(await waitsFor(fixture.archive, 'putRecord', () => put(recordOf(1, 1)))).toBe(true);
  });

  it('stand for 180 days after they were last written', async () => {
    await put(recordOf(1, 1));
    const written = fixture.clock.now();
    const now = vi.spyOn(fixture.clock, 'now').mockImplementation(() => written + RECORD_LIFE_MS - 1);
    expect(await get(1)).toMatchObject({ revision: 1 });
    await put(recordOf(1, 2));
    now.mockImplementation(() => written + RECORD_LIFE_MS);
    expect(await get(1)).toMatchObject({ revision: 2 });
    now.mockImplementation(() => written + 2 * RECORD_LIFE_MS);
    expect(await get(1)).toEqual(refusal('not-found'));
  });

  it('are told to try later while the archive fails', async () => {
    const failing = (['putRecord', 'record'] as const).map((method) =>
      vi.spyOn(fixture.archive, method).mockRejectedValue(new LocalError('storage')),
    );
    expect(await put(recordOf(1, 1))).toEqual(refusal('try-later'));
    expect(await get(1)).toEqual(refusal('try-later'));
    for (const spy of failing) spy.mockRestore();
    expect(await get(1)).toEqual(refusal('not-found'));
    expect(await put(recordOf(1, 1))).toEqual(ok);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { hex, text } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { recordId } from '#shared/directory/records.ts';
import type { Code } from '#shared/errors.ts';
import { Copy, MAX_COPY_BYTES, MOST_PIECES } from '#web/core/keeping/copy.ts';
import { ownerOf } from '#web/core/keeping/phrase.ts';
import { RecordDesk } from '#tests/support/record-desk.ts';

const ROOM = 65_508;
const entropy = new Uint8Array(16).fill(4);
const rng = seededRng(new Uint8Array(32).fill(8));
const fileOf = (length: number, fill: number): Uint8Array =>
  new Uint8Array(length).map((_, at) => (at * fill) % 253);

let desk: RecordDesk;
let pauses: number;
const copyOf = (by = entropy): Copy =>
  new Copy({ rng, ask: desk.ask, pause: async () => void (pauses += 1) }, by);
const slot = (at: number): string => hex(recordId(ownerOf(entropy).public, at));
const failing = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );

beforeEach(() => {
  desk = new RecordDesk();
  pauses = 0;
});

describe('the copy at the directory', () => {
  it.each([1, ROOM, ROOM + 1, 3 * ROOM - 1])('of %i bytes is found by the words alone', async (length) => {
    const file = fileOf(length, 3);
    await copyOf().put(file, 1000);
    expect(await copyOf().fetch()).toEqual(file);
    expect(await copyOf().head()).toMatchObject({ length, madeAt: 1000, pieces: Math.ceil(length / ROOM) });
    expect(await failing(copyOf(new Uint8Array(16)).fetch())).toBe('not-found');
  });

  it('shows the directory whole pieces, and nothing of what is in them', async () => {
    const file = new Uint8Array(ROOM + 5);
    file.set(text('HGBACKUP'));
    await copyOf().put(file, 1000);
    const blobs = [...desk.records.values()].map(({ blob }) => blob);
    expect(blobs.map(({ length }) => length).sort((a, b) => a - b)).toEqual([4096, 65_536, 65_536]);
    for (const blob of blobs) expect(hex(blob)).not.toContain(hex(text('HGBACKUP')));
    // Zeros are not seen either.
    for (const blob of blobs) expect(hex(blob)).not.toContain('00'.repeat(8));
  });

  it('takes turns in two halves, within the room that a key has', async () => {
    for (const [n, pieces] of [3, 2, 4, 1].entries()) {
      const file = fileOf(pieces * ROOM, n + 2);
      await copyOf().put(file, 1000 + n);
      expect(await copyOf().fetch()).toEqual(file);
    }
    // The larger of each half, and the head.
    expect(desk.records.size).toBe(4 + 2 + 1);
    expect(1 + 2 * MOST_PIECES).toBeLessThanOrEqual(256);
    expect(await failing(copyOf().put(new Uint8Array(MAX_COPY_BYTES + 1), 2000))).toBe('oversized');
  });

  it('is the former one, wherever making the next breaks off', async () => {
    const former = fileOf(2 * ROOM, 5);
    const next = fileOf(3 * ROOM, 7);
    await copyOf().put(former, 1000);
    for (let puts = 0; puts < 4; puts++) {
      let left = puts;
      desk.fails = ({ type }) => (type === 'put-record' && left-- <= 0 ? 'finished' : undefined);
      expect(await failing(copyOf().put(next, 2000))).toBe('finished');
      desk.fails = () => undefined;
      expect(await copyOf().fetch()).toEqual(former);
    }
    await copyOf().put(next, 2000);
    expect(await copyOf().fetch()).toEqual(next);
  });

  it('is renewed by a browser whose clock is behind', async () => {
    await copyOf().put(fileOf(10, 5), 2_000_000);
    await copyOf().put(fileOf(20, 7), 1000);
    expect(await copyOf().fetch()).toEqual(fileOf(20, 7));
  });

  it('is gone once erased: every slot that it ever had', async () => {
    for (const pieces of [3, 2, 1]) await copyOf().put(fileOf(pieces * ROOM, 3), 1000);
    await copyOf().erase(2000);
    expect(desk.bytes).toBe(0);
    expect(await failing(copyOf().fetch())).toBe('not-found');
    await copyOf().erase(3000);
    await copyOf().put(fileOf(10, 3), 1000);
    expect(await copyOf().fetch()).toEqual(fileOf(10, 3));
  });

  it('is not taken from a directory that mixes what was put there', async () => {
    await copyOf().put(fileOf(2 * ROOM, 3), 1000);
    const old = new Map(desk.records);
    await copyOf().put(fileOf(2 * ROOM, 5), 2000);
    await copyOf().put(fileOf(2 * ROOM, 7), 3000);
    const now = new Map(desk.records);
    const [head, first, second] = [slot(0), slot(128), slot(129)];
    const serve = (id: string, record: ReturnType<typeof now.get>): void => {
      for (const [each, value] of now) desk.records.set(each, value);
      if (record) desk.records.set(id, record);
      else desk.records.delete(id);
    };
    const used = now.has(first) && (await copyOf().head())?.half === 1 ? [first, second] : [slot(1), slot(2)];
    const [a = '', b = ''] = used;
    const record = now.get(a);
    if (!record) throw new Error('no such slot');
    for (const [id, shown, code] of [
      [a, old.get(a), 'bad-backup'],
      [b, undefined, 'bad-backup'],
      [a, now.get(b), 'unexpected'],
      [head, now.get(a), 'unexpected'],
      [a, { ...record, revision: record.revision + 1 }, 'bad-signature'],
      [a, { ...record, blob: record.blob.with(100, 1 ^ (record.blob[100] ?? 0)) }, 'bad-signature'],
    ] as const) {
      serve(id, shown);
      expect(await failing(copyOf().fetch())).toBe(code);
    }
  });

  it('waits for a directory or a circuit that has no time, and not for ever', async () => {
    let left = 3;
    desk.fails = () => (left-- > 0 ? 'too-many' : undefined);
    await copyOf().put(fileOf(10, 3), 1000);
    expect(pauses).toBe(3);
    desk.fails = (): Code => 'timeout';
    expect(await failing(copyOf().fetch())).toBe('timeout');
    expect(pauses).toBe(3 + 4);
  });

  it('is put in the place of one that does not open', async () => {
    await copyOf().put(fileOf(3 * ROOM, 3), 1000);
    const owner = ownerOf(entropy);
    const { signRecord } = await import('#shared/directory/records.ts');
    const strange = signRecord(owner, { slot: 0, revision: 5000, blob: new Uint8Array(4096) });
    desk.records.set(slot(0), strange);
    expect(await failing(copyOf().fetch())).toBe('bad-backup');
    await copyOf().put(fileOf(10, 3), 1000);
    expect(await copyOf().fetch()).toEqual(fileOf(10, 3));
    await copyOf().erase(6000);
    expect(desk.bytes).toBe(0);
  });
});

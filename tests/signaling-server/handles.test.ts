import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { requestCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { signHandle, verifyHandle, type SignedHandle } from '#shared/directory/records.ts';
import { LocalError } from '#shared/errors.ts';
import { DirectoryFixture } from './directory-fixture.ts';
import { waitsFor } from './held.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const owner = signKeypair(new Uint8Array(32).fill(5));
const stranger = signKeypair(new Uint8Array(32).fill(6));
const HOUR_MS = 3_600_000;
const HANDLE_LIFE_MS = 30 * 24 * HOUR_MS;

let folder: string;
let fixture: DirectoryFixture;
let begun: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-handles-'));
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'));
  await fixture.directory.start();
  begun = fixture.clock.now();
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

const handleOf = (revision = begun, by = owner, content = 'elsewhere'): SignedHandle =>
  signHandle(by, { name: 'ada', revision, content: text(content) });
const put = (handle: SignedHandle): Promise<DirectoryResponse> =>
  fixture.client(1).ask({ type: 'put-handle', ...handle });
const get = (name = 'ada'): Promise<DirectoryResponse> => fixture.client(2).ask({ type: 'get-handle', name });
/** From now on the directory's clock stands there. */
const setClock = (now: number): void => void vi.spyOn(fixture.clock, 'now').mockImplementation(() => now);

describe('handles', () => {
  it('lead where their owner says', async () => {
    const handle = handleOf();
    expect(await put(handle)).toEqual(ok);
    const found = await get();
    expect(found).toEqual({ type: 'handle', ...handle });
    expect(verifyHandle(found as unknown as SignedHandle)).toBe(true);
    expect(await get('bob')).toEqual(refusal('not-found'));
  });

  it('belong to who took them first', async () => {
    await put(handleOf());
    expect(await put(handleOf(begun + 1, stranger))).toEqual(refusal('refused'));
    expect(await get()).toMatchObject({ key: owner.public });
  });

  it('are renewed by higher revisions only, and one sent again is answered as before', async () => {
    expect(await put(handleOf(begun))).toEqual(ok);
    expect(await put(handleOf(begun))).toEqual(ok);
    expect(await put(handleOf(begun - 1))).toEqual(refusal('stale'));
    expect(await put(handleOf(begun, owner, 'nowhere'))).toEqual(refusal('stale'));
    expect(await put(handleOf(begun + 1, owner, 'nowhere'))).toEqual(ok);
    expect(await put(handleOf(begun))).toEqual(refusal('stale'));
    expect(await get()).toMatchObject({ content: text('nowhere') });
  });

  it('are refused when another signed them, or for another time', async () => {
    const handle = handleOf();
    for (const forged of [
      { ...handle, key: stranger.public },
      { ...handle, name: 'bob' },
      { ...handle, revision: begun + 1 },
      { ...handle, content: text('nowhere') },
    ]) {
      expect(await put(forged)).toEqual(refusal('bad-signature'));
    }
    expect(await put(handleOf(begun + HOUR_MS))).toEqual(refusal('stale'));
    expect(await put(handleOf(begun - HANDLE_LIFE_MS))).toEqual(refusal('stale'));
    expect(await get()).toEqual(refusal('not-found'));
  });

  it('are free 30 days after they were last renewed, and nobody but the owner renews them', async () => {
    await put(handleOf(begun));
    const renewed = handleOf(begun + HOUR_MS);
    setClock(begun + HOUR_MS);
    expect(await put(renewed)).toEqual(ok);
    setClock(begun + HANDLE_LIFE_MS);
    expect(await put(renewed)).toEqual(ok);
    expect(await put(handleOf(begun + HANDLE_LIFE_MS, stranger))).toEqual(refusal('refused'));
    setClock(begun + HOUR_MS + HANDLE_LIFE_MS);
    expect(await get()).toEqual(refusal('not-found'));
    expect(await put(renewed)).toEqual(refusal('stale'));
    expect(await put(handleOf(begun + HANDLE_LIFE_MS, stranger))).toEqual(ok);
    expect(await put(handleOf(begun + HANDLE_LIFE_MS + 1))).toEqual(refusal('refused'));
    expect(await get()).toMatchObject({ key: stranger.public });
  });

  it('are written in one way', async () => {
    const bytes = encode(requestCodec, { type: 'put-handle', ...handleOf() });
    const shouting = bytes.slice();
    shouting.set(text('Ada'), 3);
    expect(await fixture.client(1).askRaw(shouting)).toEqual(refusal('malformed'));
    expect(await fixture.client(1).askRaw(bytes)).toEqual(ok);
  });

  it('are stored before they are answered', async () => {
    expect(await waitsFor(fixture.archive, 'putHandle', () => put(handleOf()))).toBe(true);
  });

  it('are told to try later while the archive fails', async () => {
    const failing = (['putHandle', 'handle'] as const).map((method) =>
      vi.spyOn(fixture.archive, method).mockRejectedValue(new LocalError('storage')),
    );
    expect(await put(handleOf())).toEqual(refusal('try-later'));
    expect(await get()).toEqual(refusal('try-later'));
    for (const spy of failing) spy.mockRestore();
    expect(await put(handleOf())).toEqual(ok);
  });
});

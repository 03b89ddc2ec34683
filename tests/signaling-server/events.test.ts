import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalError } from '#shared/errors.ts';
import { DirectoryFixture } from './directory-fixture.ts';

const MINUTE_MS = 60_000;
const EVENTS_KEPT_MS = 7 * 24 * 60 * MINUTE_MS;
const unknown = new Uint8Array(32).fill(3);

let folder: string;
let fixture: DirectoryFixture;
let begun: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-events-'));
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'));
  begun = fixture.clock.now();
  await fixture.directory.start();
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

const fail = (): Promise<object> => fixture.client(1).ask({ type: 'lookup', descriptorId: unknown });
/** Those in the archive, in short. */
const events = async (): Promise<string[]> =>
  (await fixture.archive.events(0)).map(({ event, code, count }) => `${event} ${code} ${count}`).sort();

describe('the event log', () => {
  it('counts also what was turned away before it came to a request', async () => {
    fixture.directory.refused('link', 'too-many');
    await fixture.clock.pass(MINUTE_MS);
    expect(await events()).toContain('refused too-many 1');
  });

  it('is written once a minute, and counts what is alike', async () => {
    for (let i = 0; i < 3; i++) await fail();
    await fixture.client(1).askRaw(new Uint8Array(0));
    await fixture.clock.pass(MINUTE_MS - 1);
    expect(await events()).toEqual([]);
    const write = vi.spyOn(fixture.archive, 'addEvents');
    await fixture.clock.pass(1);
    expect(await events()).toEqual([
      'leader none 1',
      'refused malformed 1',
      'refused not-found 3',
      'started none 1',
    ]);
    await fixture.clock.pass(3 * MINUTE_MS);
    expect(write).toHaveBeenCalledTimes(1);
    await fail();
    await fixture.clock.pass(MINUTE_MS);
    expect(write).toHaveBeenCalledTimes(2);
    expect(await events()).toContain('refused not-found 1');
  });

  it('names the process, the time and nothing else', async () => {
    await fixture.clock.pass(MINUTE_MS);
    const [first] = await fixture.archive.events(0);
    expect(Object.keys(first ?? {}).sort()).toEqual(['code', 'count', 'event', 'process', 'time']);
    expect(first).toMatchObject({ process: 'one', time: begun });
  });

  it('is written when the process stops', async () => {
    await fail();
    await fixture.directory.stop();
    expect(await events()).toEqual([
      'leader none 1',
      'refused not-found 1',
      'started none 1',
      'stopped none 1',
    ]);
  });

  it('loses nothing while the archive is away', async () => {
    const away = vi.spyOn(fixture.archive, 'addEvents').mockRejectedValue(new LocalError('storage'));
    await fail();
    await fixture.clock.pass(MINUTE_MS);
    await fail();
    away.mockRestore();
    expect(await events()).toEqual([]);
    await fixture.clock.pass(MINUTE_MS);
    expect(await events()).toContain('refused not-found 2');
  });

  it('is kept for seven days', async () => {
    await fixture.clock.pass(MINUTE_MS);
    const until = begun + EVENTS_KEPT_MS;
    const swept = vi.spyOn(fixture.archive, 'sweep');
    await fixture.clock.pass(MINUTE_MS);
    expect(swept.mock.lastCall?.[0].eventsBefore).toBe(fixture.clock.now() - EVENTS_KEPT_MS);
    await fixture.archive.sweep({ now: until, nodesBefore: 0, chainBefore: 0, eventsBefore: begun });
    expect(await events()).toContain('started none 1');
    await fixture.archive.sweep({ now: until, nodesBefore: 0, chainBefore: 0, eventsBefore: until });
    expect(await events()).toEqual([]);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalError } from '#shared/errors.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { Gate } from '#server/services/gate.ts';
import { beaten, DirectoryFixture } from './directory-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const lookup = { type: 'lookup', descriptorId: new Uint8Array(32) } as const;
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Work that goes on until a test ends it. */
class Jobs {
  readonly begun: number[] = [];
  readonly ends = new Map<number, () => void>();

  readonly start = (job: number): Promise<number> => {
    this.begun.push(job);
    return new Promise((done) => this.ends.set(job, () => done(job)));
  };
}

describe('a gate', () => {
  it('lets so many in, so many wait, and sheds the oldest that waits', async () => {
    const [gate, jobs] = [new Gate(2, 2), new Jobs()];
    const outcomes: string[] = [];
    const run = (job: number): void => {
      gate
        .run(() => jobs.start(job))
        .then(
          (done) => void outcomes.push(`${String(done)} done`),
          (error: unknown) => void outcomes.push(`${String(job)} ${(error as LocalError).code}`),
        );
    };
    for (const job of [1, 2, 3, 4, 5]) run(job);
    await turn();
    expect(jobs.begun).toEqual([1, 2]);
    expect(outcomes).toEqual(['3 try-later']);
    jobs.ends.get(2)?.();
    await turn();
    expect(jobs.begun).toEqual([1, 2, 4]);
    run(6);
    run(7);
    await turn();
    expect(outcomes).toEqual(['3 try-later', '2 done', '5 try-later']);
    for (const job of [1, 4]) jobs.ends.get(job)?.();
    await turn();
    for (const job of [6, 7]) jobs.ends.get(job)?.();
    await turn();
    expect(outcomes.slice(3)).toEqual(['1 done', '4 done', '6 done', '7 done']);
    run(8);
    expect(jobs.begun).toEqual([1, 2, 4, 6, 7, 8]);
  });

  it('goes on after work that fails', async () => {
    const gate = new Gate(1, 0);
    const failing = gate.run(() => Promise.reject(new LocalError('storage')));
    await expect(gate.run(() => Promise.resolve(1))).rejects.toMatchObject({ code: 'try-later' });
    await expect(failing).rejects.toMatchObject({ code: 'storage' });
    await expect(gate.run(() => Promise.resolve(1))).resolves.toBe(1);
  });
});

describe('a directory', () => {
  let folder: string;
  let fixture: DirectoryFixture;
  const answered: string[] = [];
  const refused: string[] = [];
  const metrics: NonNullable<DirectoryOptions['metrics']> = {
    requestAnswered: (type, code, tookMs) => void answered.push(`${type} ${code} ${String(tookMs)}`),
    refused: (where, code) => void refused.push(`${where} ${code}`),
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-shedding-'));
    const limits = { total: 2, waiting: 3 };
    fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { limits, metrics });
    await fixture.directory.start();
    answered.length = 0;
    refused.length = 0;
  });
  afterEach(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  });

  it('with too much under way sheds what waited longest, of all circuits, and serves the rest', async () => {
    const jobs = new Jobs();
    let asked = 0;
    vi.spyOn(fixture.archive, 'descriptor').mockImplementation(async () => {
      await jobs.start((asked += 1));
      return undefined;
    });
    const shed: number[] = [];
    const answers = [1, 2, 3, 4, 5, 6, 7].map(async (seed) => {
      const answer = await fixture.client(seed).ask(lookup);
      if (answer.type === 'error' && answer.code === 'try-later') shed.push(seed);
      return answer;
    });
    await turn();
    expect(shed).toEqual([3, 4]);
    expect(jobs.begun).toEqual([1, 2]);
    while (jobs.ends.size > 0) {
      for (const end of jobs.ends.values()) end();
      jobs.ends.clear();
      await turn();
    }
    expect(await Promise.all(answers)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((seed) => refusal(shed.includes(seed) ? 'try-later' : 'not-found')),
    );
    expect(refused.filter((what) => what === 'request try-later')).toHaveLength(2);
  });

  it('that drains takes on nobody new, and lets go of those it has', async () => {
    const node = fixture.client(10);
    expect(await node.register()).toEqual(ok);
    fixture.directory.drain();
    expect(await fixture.client(11).register()).toEqual(refusal('try-later'));
    const listen = { type: 'listen', reply: new Uint8Array(16) } as const;
    expect(await node.ask(listen)).toEqual(refusal('try-later'));
    const blob = new Uint8Array(4_096);
    const deposit = { type: 'deposit', mailbox: new Uint8Array(32), id: new Uint8Array(16), blob } as const;
    expect(await node.ask(deposit)).toEqual(refusal('try-later'));
    expect(await node.ask(lookup)).toEqual(refusal('not-found'));
    expect(await node.beat(1)).toEqual(beaten);
    expect(await node.leave(2)).toEqual(ok);
    expect(refused).toEqual(
      ['try-later', 'try-later', 'try-later', 'not-found'].map((code) => `request ${code}`),
    );
  });

  it('counts every answer by kind and code', async () => {
    const node = fixture.client(10);
    const store = vi.spyOn(fixture.archive, 'putNodes').mockImplementation(async () => {
      await fixture.clock.pass(7);
    });
    await node.register();
    store.mockRejectedValue(new LocalError('storage'));
    await node.register();
    await node.ask(lookup);
    await node.askRaw(new Uint8Array(1));
    expect(answered).toEqual([
      'register none 7',
      'register try-later 0',
      'lookup not-found 0',
      'unknown malformed 0',
    ]);
    expect(refused).toEqual(['request try-later', 'request not-found', 'request malformed']);
  });
});

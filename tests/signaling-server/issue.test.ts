import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { searchWork, workBits } from '#shared/crypto/work.ts';
import type { DirectoryRequest } from '#shared/directory/messages.ts';
import { issueChallenge, WORK_BATCH } from '#shared/directory/tokens.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { heldTo, Rate } from '#server/services/toll.ts';
import { directMint } from '#tests/support/direct-mint.ts';
import { type Client, DirectoryFixture } from './directory-fixture.ts';
import { batchNamed, depositOf, elementsOf, paidWith, plan, START_MS, tokensOf } from './token-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const asked = (bits: number): object => ({ type: 'work', bits });
const MINUTE_MS = 60_000;

describe('a rate', () => {
  it('has doubled as often as it is over what is usual', () => {
    const rate = new Rate(4);
    const after = (count: number): number => {
      for (let i = 0; i < count; i++) rate.came(0);
      return rate.doublings(0);
    };
    expect(rate.doublings(0)).toBe(-Infinity);
    expect([3, 1, 3, 1, 8].map(after)).toEqual([-1, 0, 0, 1, 2]);
    expect(rate.doublings(MINUTE_MS)).toBe(0);
    expect(rate.doublings(60 * MINUTE_MS)).toBeLessThan(0);
  });
});

describe('what was asked', () => {
  it('does for two minutes, unless less will do', () => {
    const first = heldTo(undefined, 14, 0);
    expect(first).toEqual({ bits: 14, at: 0 });
    expect(heldTo(first, 20, 2 * MINUTE_MS)).toEqual(first);
    expect(heldTo(first, 10, MINUTE_MS)).toEqual({ bits: 10, at: 0 });
    expect(heldTo(first, 20, 2 * MINUTE_MS + 1)).toEqual({ bits: 20, at: 2 * MINUTE_MS + 1 });
  });
});

const mint = directMint(seededRng(new Uint8Array(32).fill(1)));

describe('tokens for work', () => {
  let folder: string;
  let fixture: DirectoryFixture;

  const begin = async (more: Partial<DirectoryOptions> = {}): Promise<Client> => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-issue-'));
    const options = { contribution: 'enforce', mint, limits: { workBits: 8 } } as const;
    fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { ...options, ...more }, START_MS);
    await fixture.directory.start();
    return fixture.client(1);
  };
  afterEach(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  });

  const blinded = batchNamed(1, WORK_BATCH);
  const elements = elementsOf(blinded);
  const issue = (work: number, of = elements): DirectoryRequest => ({
    type: 'issue',
    payment: { type: 'work', work },
    blinded: of,
  });

  /** Work of the circuit for the elements that shows `bits`, and fewer than `below`. */
  const workOf = (client: Client, bits: number, below = 256, of = elements): number => {
    const challenge = issueChallenge(client.binding, of);
    for (let from = 1; ;) {
      const found = searchWork(challenge, bits, from, 100_000);
      if (!('work' in found)) from = found.next;
      else if (workBits(challenge, found.work) < below) return found.work;
      else from = found.work + 1;
    }
  };

  it('are eight for what is asked, and none for less', async () => {
    const client = await begin();
    expect(await client.ask(issue(0))).toEqual(asked(8));
    expect(await client.ask(issue(workOf(client, 4, 8)))).toEqual(asked(8));
    const tokens = tokensOf(await client.ask(issue(workOf(client, 8))), blinded, fixture.consensus.tokenKey);
    expect(tokens).toHaveLength(8);
    for (const [i, token] of tokens.entries())
      expect(await client.ask(paidWith(token, depositOf(i)))).toEqual(ok);
    const nine = elementsOf(batchNamed(2, WORK_BATCH + 1));
    expect(await client.ask(issue(0, nine))).toEqual(refusal('too-many'));
  });

  it('are asked for with work of this circuit and for these elements', async () => {
    const client = await begin({ limits: { workBits: 14 } });
    const other = fixture.client(2);
    const work = workOf(client, 14);
    expect(await other.ask(issue(work))).toEqual(asked(14));
    expect(await client.ask(issue(work, elements.toReversed()))).toEqual(asked(14));
    expect(await client.ask(issue(work, elements.slice(1)))).toEqual(asked(14));
    expect(await client.ask(issue(work))).toMatchObject({ type: 'issued' });
  });

  it('are no more for the same work, in whatever epoch', async () => {
    const client = await begin();
    const work = workOf(client, 12);
    const once = await client.ask(issue(work));
    if (once.type !== 'issued') throw new Error(once.type);
    await fixture.clock.pass(plan.epochMs);
    expect(fixture.consensus.epoch).toBe(once.epoch + 1);
    const { epoch, evaluated } = once;
    expect(await client.ask(issue(work))).toMatchObject({ type: 'issued', epoch, evaluated });
  });

  it('cost a bit more for each doubling of their rate', async () => {
    const client = await begin({ limits: { batches: 1 } });
    expect(await client.ask(issue(0))).toEqual(asked(18));
    expect(await client.ask(issue(workOf(client, 18)))).toMatchObject({ type: 'issued' });
    expect(await fixture.client(2).ask(issue(0))).toEqual(asked(19));
    // Who was asked for less may show that.
    expect(await client.ask(issue(0))).toEqual(asked(18));
    await fixture.clock.pass(5 * MINUTE_MS);
    expect(await fixture.client(3).ask(issue(0))).toEqual(asked(18));
  });

  it('come after proofs', async () => {
    const client = await begin({ mint: { ...mint, busy: true } });
    expect(await client.ask(issue(workOf(client, 12)))).toEqual(refusal('try-later'));
  });

  it('are evaluated of elements only, each once', async () => {
    const client = await begin({ limits: { workBits: 0 } });
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(0xff)])
      expect(await client.ask(issue(0, [...elements.slice(1), bad]))).toEqual(refusal('malformed'));
    expect(await client.ask(issue(0, [...elements.slice(2), ...elements.slice(2, 3)]))).toEqual(
      refusal('malformed'),
    );
    expect(await client.ask(issue(0, []))).toEqual(refusal('malformed'));
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { scopeOf } from '#shared/contribution/tags.ts';
import { text } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { signAudit } from '#shared/directory/audit.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import type { Token } from '#shared/directory/tokens.ts';
import type { Live } from '#server/stores/ports.ts';
import { RedisLive } from '#server/stores/redis.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import { systemClock } from '#server/clock.ts';
import { EPOCH } from '#tests/circuits/sample.ts';
import { flipped } from '#tests/support/refusal.ts';
import { redisServer } from '#tests/support/stores.ts';
import { DirectoryFixture } from './directory-fixture.ts';
import {
  batchNamed,
  closeEpoch,
  depositOf,
  issueOf,
  madeTokens,
  paidWith,
  plan,
  proveFor,
  START_MS,
  tokensOf,
  type Proved,
} from './token-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const EVERYWHERE = 50;
/** A proof pays for more, but each takes its time. */
const TOKENS = 6;

/** Two proofs of one holder, for two batches: they have one nullifier. And one that is for something else. */
let first: Proved;
let second: Proved;
let elsewhere: Proved;

beforeAll(async () => {
  first = await proveFor(2, batchNamed(1, TOKENS));
  second = await proveFor(2, batchNamed(2, TOKENS));
  elsewhere = await proveFor(2, batchNamed(1, TOKENS), scopeOf(text('something else')));
}, 60_000);

let folder: string;
let processes: DirectoryFixture[] = [];
const closing: (() => Promise<void>)[] = [];

/** `count` processes of one directory whose stores they share. */
const begin = async (
  count = 1,
  more: Partial<DirectoryOptions> = {},
  openLive?: () => Promise<Live>,
): Promise<DirectoryFixture> => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-tokens-'));
  processes = [];
  for (let i = 0; i < count; i++) {
    const live = await openLive?.();
    if (live) closing.unshift(() => live.close());
    const options = { contribution: 'enforce' as const, ...(live && { live }), ...more };
    const [before] = processes;
    const fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), options, START_MS, before);
    processes.push(fixture);
    await fixture.directory.start();
  }
  const [fixture] = processes as [DirectoryFixture];
  await closeEpoch(fixture.archive);
  return fixture;
};
afterEach(async () => {
  for (const each of processes.toReversed()) await each.stop();
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Each request on a circuit of its own, to one process after the other. */
const askAll = (requests: DirectoryRequest[]): Promise<DirectoryResponse[]> =>
  Promise.all(
    requests.map((request, i) =>
      (processes[i % processes.length] as DirectoryFixture).client(i + 1).ask(request),
    ),
  );
const ask = async (request: DirectoryRequest): Promise<DirectoryResponse> =>
  (await askAll([request]))[0] as DirectoryResponse;

describe('tokens for a proof', () => {
  it('pay for one request each', async () => {
    const fixture = await begin();
    const tokens = tokensOf(await ask(issueOf(first)), first.blinded, fixture.consensus.tokenKey);
    expect(tokens).toHaveLength(TOKENS);
    expect(await ask(depositOf(1))).toEqual(refusal('token-needed'));
    for (const [i, token] of tokens.slice(0, 3).entries())
      expect(await ask(paidWith(token, depositOf(i)))).toEqual(ok);
  });

  it('are the same when they are asked for again, in another epoch and with more than one proof', async () => {
    const fixture = await begin(2);
    const evaluated = (answer: DirectoryResponse): unknown =>
      answer.type === 'issued' ? [answer.epoch, answer.evaluated] : answer;
    const [once, again] = await askAll([issueOf(first), issueOf(first)]);
    expect(evaluated(once as DirectoryResponse)).toMatchObject([EPOCH + 1, {}]);
    expect(evaluated(again as DirectoryResponse)).toEqual(evaluated(once as DirectoryResponse));
    expect(await ask(issueOf(second))).toEqual(refusal('replayed'));
    await fixture.clock.pass(plan.epochMs - 540_000);
    expect(fixture.consensus.epoch).toBe(EPOCH + 2);
    expect(evaluated(await ask(issueOf(first)))).toEqual(evaluated(once as DirectoryResponse));
    expect(await ask(issueOf(second))).toEqual(refusal('replayed'));
    await fixture.clock.pass(600_000);
    expect(await ask(issueOf(first))).toEqual(refusal('stale'));
  });

  it('are refused for a proof of something else', async () => {
    const fixture = await begin();
    await closeEpoch(fixture.archive, EPOCH - 1, 5n);
    const other = batchNamed(9, TOKENS);
    const cases: [DirectoryRequest, string][] = [
      [issueOf(elsewhere), 'bad-signature'],
      [issueOf({ ...first, blinded: other }), 'bad-signature'],
      [issueOf({ ...first, blinded: first.blinded.toReversed() }), 'bad-signature'],
      [issueOf({ ...first, blinded: first.blinded.slice(1) }), 'bad-signature'],
      [issueOf(first, { nullifier: first.payment.nullifier + 1n }), 'bad-signature'],
      [issueOf(first, { threshold: first.payment.threshold === 3 ? 6 : 3 }), 'bad-signature'],
      [issueOf(first, { threshold: 4 }), 'malformed'],
      [issueOf(first, { threshold: 0 }), 'malformed'],
      [issueOf(first, { epoch: EPOCH - 1 }), 'stale'],
      [issueOf(first, { epoch: EPOCH + 1 }), 'stale'],
      [issueOf({ ...first, blinded: [] }), 'malformed'],
      [
        issueOf({ ...first, blinded: [...first.blinded.slice(1), ...first.blinded.slice(1, 2)] }),
        'malformed',
      ],
      ...[0, 40, 100, 255].map((at): [DirectoryRequest, string] => [
        issueOf(first, { proof: flipped(first.payment.proof, at, at % 8) }),
        'bad-signature',
      ]),
    ];
    const answers = await askAll(cases.map(([request]) => request));
    expect(answers).toEqual(cases.map(([, code]) => refusal(code)));
    // None of it has used the proof up.
    expect(await ask(issueOf(first))).toMatchObject({ type: 'issued' });
  });

  it('are refused under a root that is not the epoch’s, and while there is none', async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-tokens-'));
    const fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), {}, START_MS);
    processes = [fixture];
    await fixture.directory.start();
    expect(await ask(issueOf(first))).toEqual(refusal('not-found'));
    await closeEpoch(fixture.archive, EPOCH, 5n);
    expect(await ask(issueOf(first))).toEqual(refusal('bad-signature'));
  });

  it('are refused for what is no element', async () => {
    await begin();
    const [one, ...rest] = first.blinded as [Proved['blinded'][0]];
    const blinded = [{ ...one, element: new Uint8Array(32) }, ...rest];
    expect(await ask(issueOf({ ...first, blinded }))).toEqual(refusal('bad-signature'));
  });

  it('cost a circuit that sends bad proofs no more than six checks a minute', async () => {
    const fixture = await begin();
    const client = fixture.client(1);
    const bad = issueOf(first, { proof: flipped(first.payment.proof, 7) });
    for (let i = 0; i < 6; i++) expect(await client.ask(bad)).toEqual(refusal('bad-signature'));
    expect(await client.ask(bad)).toEqual(refusal('too-many'));
    expect(await ask(issueOf(first))).toMatchObject({ type: 'issued' });
    expect(await client.ask(issueOf(first))).toMatchObject({ type: 'issued' });
  });
});

describe.each([
  ['one process', 1, undefined],
  ['two processes that share a Redis', 2, redisServer],
])('at once, over %s', (_name, count, startRedis) => {
  const beginShared = async (): Promise<DirectoryFixture> => {
    if (!startRedis) return begin(count);
    const server = await startRedis();
    closing.push(() => server.stop());
    return begin(count, {}, () => RedisLive.open({ urls: [server.url], clock: systemClock }));
  };

  it('one nullifier buys one batch', async () => {
    const fixture = await beginShared();
    const wants = Array.from({ length: EVERYWHERE }, (_, i) => (i % 4 < 2 ? first : second));
    const answers = await askAll(wants.map((proved) => issueOf(proved)));
    const bought = wants.filter((_, i) => answers[i]?.type === 'issued');
    expect(new Set(bought).size).toBe(1);
    expect(bought).toHaveLength(wants.filter((each) => each === bought[0]).length);
    const refused = answers.filter(({ type }) => type !== 'issued');
    expect(refused).toEqual(refused.map(() => refusal('replayed')));
    const batches = answers.flatMap((answer) => (answer.type === 'issued' ? [answer] : []));
    for (const { epoch, evaluated } of batches)
      expect([epoch, evaluated]).toEqual([batches[0]?.epoch, batches[0]?.evaluated]);
    const [{ blinded }] = bought as [Proved];
    const answer = batches[0] as DirectoryResponse;
    expect(tokensOf(answer, blinded, fixture.consensus.tokenKey)).toHaveLength(TOKENS);
  });

  it('one token pays for one request, however often that one comes', async () => {
    await beginShared();
    const [token, another] = madeTokens(EPOCH + 1, 2) as [Token, Token];
    const answers = await askAll(Array.from({ length: EVERYWHERE }, (_, i) => paidWith(token, depositOf(i))));
    const served = answers.flatMap((answer, i) => (answer.type === 'ok' ? [i] : []));
    expect(served).toHaveLength(1);
    expect(answers.filter((_, i) => i !== served[0])).toEqual(
      Array.from({ length: EVERYWHERE - 1 }, () => refusal('replayed')),
    );
    const again = Array.from({ length: 4 }, () => paidWith(token, depositOf(served[0] as number)));
    expect(await askAll(again)).toEqual(again.map(() => ok));
    const same = Array.from({ length: 10 }, () => paidWith(another, depositOf(77)));
    expect(await askAll(same)).toEqual(same.map(() => ok));
  });
});

describe('a token', () => {
  it('is refused that the directory’s key of its epoch did not make', async () => {
    await begin();
    const [token] = madeTokens(EPOCH + 1) as [Token];
    const [foreign] = madeTokens(EPOCH + 1, 1, new Uint8Array(32).fill(77)) as [Token];
    const codes: [Token, string][] = [
      [{ ...token, output: flipped(token.output, 63, 7) }, 'bad-signature'],
      [{ ...token, input: flipped(token.input, 0) }, 'bad-signature'],
      [{ ...token, epoch: EPOCH + 2 }, 'bad-signature'],
      [foreign, 'bad-signature'],
      [madeTokens(EPOCH + 3)[0] as Token, 'stale'],
      [madeTokens(EPOCH - 2)[0] as Token, 'stale'],
      [madeTokens(EPOCH - 1)[0] as Token, 'stale'],
    ];
    const answers = await askAll(codes.map(([each], i) => paidWith(each, depositOf(i))));
    expect(answers).toEqual(codes.map(([, code]) => refusal(code)));
    expect(await ask(paidWith(token, depositOf(1)))).toEqual(ok);
  });

  it('is good in its epoch and the next one, and ten minutes more', async () => {
    const fixture = await begin();
    const tokens = madeTokens(EPOCH + 1, 3);
    const passTo = (epoch: number, more: number): Promise<void> =>
      fixture.clock.pass(epoch * plan.epochMs + more - fixture.clock.now());
    await passTo(EPOCH + 2, plan.epochMs - 1);
    expect(await ask(paidWith(tokens[0] as Token, depositOf(1)))).toEqual(ok);
    await passTo(EPOCH + 3, plan.graceMs - 1);
    expect(await ask(paidWith(tokens[1] as Token, depositOf(2)))).toEqual(ok);
    // What was spent stays spent to the end.
    expect(await ask(paidWith(tokens[0] as Token, depositOf(3)))).toEqual(refusal('replayed'));
    await passTo(EPOCH + 3, plan.graceMs);
    expect(await ask(paidWith(tokens[2] as Token, depositOf(4)))).toEqual(refusal('stale'));
  });

  it('pays for what costs one, and for nothing else', async () => {
    await begin();
    const [token] = madeTokens(EPOCH + 1) as [Token];
    const wrapped = paidWith(token, depositOf(1));
    for (const request of [
      wrapped,
      { type: 'consensus', after: 0 },
      { type: 'lookup', descriptorId: token.input },
    ])
      expect(await ask(paidWith(token, request as DirectoryRequest))).toEqual(refusal('malformed'));
    expect(await ask(wrapped)).toEqual(ok);
  });

  it('is spent on a request that is then refused, which may be mended by no other', async () => {
    await begin();
    const [token] = madeTokens(EPOCH + 1) as [Token];
    const bad: DirectoryRequest = {
      ...{ type: 'publish', blindedKey: new Uint8Array(32), period: 1, revision: 1 },
      ...{ blob: new Uint8Array(16_384), signature: new Uint8Array(64) },
    };
    expect(await ask(paidWith(token, bad))).toMatchObject({ type: 'error' });
    expect(await ask(paidWith(token, depositOf(1)))).toEqual(refusal('replayed'));
  });
});

describe('the policy', () => {
  it.each(['off', 'observe', 'enforce'] as const)('%s', async (contribution) => {
    await begin(1, { contribution });
    const [token] = madeTokens(EPOCH + 1) as [Token];
    const free = await ask(depositOf(1));
    expect(free).toEqual(contribution === 'enforce' ? refusal('token-needed') : ok);
    expect(await ask(paidWith(token, depositOf(2)))).toEqual(ok);
    expect(await ask(paidWith(token, depositOf(3)))).toEqual(refusal('replayed'));
    const forged = { ...token, output: flipped(token.output, 1) };
    expect(await ask(paidWith(forged, depositOf(4)))).toEqual(refusal('bad-signature'));
    expect(await ask({ type: 'lookup', descriptorId: token.input })).toEqual(refusal('not-found'));
  });

  it('asks a token of what costs one, and of nothing else', async () => {
    await begin();
    const handle = { name: 'ada', key: new Uint8Array(32), revision: 1, content: new Uint8Array(1024) };
    const costly: DirectoryRequest[] = [
      depositOf(1),
      { type: 'put-handle', ...handle, signature: new Uint8Array(64) },
    ];
    for (const request of costly) expect(await ask(request)).toEqual(refusal('token-needed'));
    expect(await ask({ type: 'get-handle', name: 'ada' })).toEqual(refusal('not-found'));
    const record = { key: new Uint8Array(32), slot: 0, revision: 1, blob: new Uint8Array(0) };
    expect(await ask({ type: 'put-record', ...record, signature: new Uint8Array(64) })).toEqual(
      refusal('bad-signature'),
    );
  });
});

describe('a request that is paid for', () => {
  it('counts, by all limits and in all sums, as what it is', async () => {
    const answered: string[] = [];
    const metrics = {
      requestAnswered: (type: string, code: string) => void answered.push(`${type} ${code}`),
      refused: () => undefined,
    };
    const fixture = await begin(1, { limits: { deposits: 3, requests: 1 }, metrics });
    const tokens = madeTokens(EPOCH + 1, 5);
    const client = fixture.client(1);
    const deposit = (i: number): Promise<DirectoryResponse> =>
      client.ask(paidWith(tokens[i] as Token, depositOf(i)));
    expect(await deposit(0)).toEqual(ok);
    expect(await deposit(1)).toEqual(ok);
    fixture.directory.drain();
    expect(await deposit(2)).toEqual(refusal('try-later'));
    expect(await deposit(3)).toEqual(refusal('too-many'));
    expect(answered).toEqual(['deposit none', 'deposit none', 'deposit try-later', 'unknown too-many']);
  });
});

describe('what auditors ask', () => {
  it('does not count as requests', async () => {
    const fixture = await begin(1, { limits: { audits: 2, requests: 1 } });
    const client = fixture.client(1);
    const nobody = signKeypair(new Uint8Array(32).fill(8));
    const audit = (): Promise<DirectoryResponse> =>
      client.ask(signAudit(nobody, client.binding, { room: 0, done: [] }));
    for (let i = 0; i < 2; i++) expect(await audit()).not.toEqual(refusal('too-many'));
    expect(await audit()).toEqual(refusal('too-many'));
    expect(await client.ask({ type: 'get-handle', name: 'ada' })).toEqual(refusal('not-found'));
    expect(await client.ask({ type: 'get-handle', name: 'ada' })).toEqual(refusal('too-many'));
  });
});

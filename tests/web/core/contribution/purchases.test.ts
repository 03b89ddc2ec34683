import { beforeEach, describe, expect, it } from 'vitest';
import { issueSignalHash, isGenuine, tokenKeysOf } from '#shared/contribution/tokens.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { issueChallenge, tokenScope, type Token } from '#shared/directory/tokens.ts';
import { RemoteError } from '#shared/errors.ts';
import { Proofs } from '#web/core/contribution/proofs.ts';
import { Purchases } from '#web/core/contribution/purchases.ts';
import { Purse } from '#web/core/contribution/purse.ts';
import { TokenKeys } from '#web/core/contribution/token-keys.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import type { ProverTask } from '#web/core/prover.ts';
import type { ProofStage } from '#web/api-helping.ts';
import { EPOCH as PROVED, holdingAt, tree } from '#tests/circuits/sample.ts';
import { rngOf } from '#tests/shared/node/bench.ts';
import { consensusOf, seed } from '#tests/support/sample-network.ts';

const keys = tokenKeysOf(seed('directory'), PROVED + 1);
const qualified = { epoch: PROVED, root: tree.root, holding: holdingAt(0) };

/** Says at once that it proved whatever it is given. */
class Prover extends Proofs {
  readonly tasks: ProverTask[] = [];
  constructor() {
    super(
      () => {
        throw new Error('no worker is started');
      },
      () => () => undefined,
    );
  }
  override prove(task: ProverTask, onProgress?: (fraction: number) => void) {
    this.tasks.push(task);
    onProgress?.(0.5);
    return Promise.resolve({ proof: new Uint8Array(256), nullifier: 7n });
  }
}

type Issue = Extract<DirectoryRequest, { type: 'issue' }>;

let asked: Issue[];
let failing: boolean;
let answerKeys: typeof keys;
let store: Store;
let prover: Prover;

const issue = (request: DirectoryRequest): Promise<DirectoryResponse> => {
  if (request.type !== 'issue') return Promise.reject(new RemoteError('unexpected'));
  asked.push(request);
  if (failing) return Promise.reject(new RemoteError('timeout'));
  const { evaluated, proof } = evaluateBlinded(answerKeys, request.blinded, rngOf(9));
  return Promise.resolve({ type: 'issued', epoch: PROVED + 1, evaluated: [...evaluated], proof });
};

let opened = 0;
const open = async (): Promise<{ purchases: Purchases; purse: Purse }> => {
  const records = await store.all('contribution');
  const purse = new Purse(store, records);
  const known = new TokenKeys();
  known.learn(consensusOf([], { epoch: PROVED + 1, tokenKey: keys.public }));
  const network = {
    ask: (_: unknown, request: DirectoryRequest) => issue(request),
    askWithWork: (
      _: unknown,
      {
        challenge,
        request,
      }: { challenge(binding: Uint8Array): Uint8Array; request(work: number): DirectoryRequest },
    ) => {
      const binding = seed('circuit');
      const made = request(12);
      if (made.type === 'issue') expect(challenge(binding)).toEqual(issueChallenge(binding, made.blinded));
      return issue(made);
    },
  };
  return {
    purchases: new Purchases(
      {
        store,
        ports: { rng: rngOf((opened += 1)), later: (run) => void setImmediate(run) },
        network,
        purse,
        keys: known,
      },
      records,
    ),
    purse,
  };
};

const taken = async (purse: Purse): Promise<Token[]> => {
  const plan = { epochMs: 3_600_000, slotMs: 300_000, graceMs: 600_000 };
  const all: Token[] = [];
  for (let next = await purse.take((PROVED + 1) * plan.epochMs, plan); next;) {
    all.push(next);
    next = await purse.take((PROVED + 1) * plan.epochMs, plan);
  }
  return all;
};

beforeEach(() => {
  [asked, failing, answerKeys] = [[], false, keys];
  store = memoryStore();
  prover = new Prover();
});

describe('buying tokens', () => {
  it('with a proof of the lowest tier, bound to the blinded elements', async () => {
    const { purchases, purse } = await open();
    const stages: ProofStage[] = [];
    await purchases.withProof(prover, qualified, (stage) => stages.push(stage));
    expect(stages.map(({ kind }) => kind)).toEqual(['proving', 'proving', 'submitting']);
    expect(prover.tasks[0]?.claim).toEqual({
      root: tree.root,
      epoch: PROVED,
      scope: tokenScope,
      threshold: 3,
      signalHash: issueSignalHash(asked[0]?.blinded ?? []),
    });
    expect(asked[0]?.payment).toMatchObject({ type: 'proof', epoch: PROVED, threshold: 3, nullifier: 7n });
    expect([purse.size, purchases.has(PROVED)]).toEqual([32, true]);
    const tokens = await taken(purse);
    expect(tokens.every((token) => isGenuine(keys, token))).toBe(true);
    expect((await open()).purchases.has(PROVED)).toBe(true);
  });

  it('comes with the same elements after an answer that was lost, even over a reload', async () => {
    failing = true;
    const first = await open();
    const lost = first.purchases.withProof(prover, qualified, () => undefined);
    await expect(lost).rejects.toMatchObject({ code: 'timeout' });
    expect(first.purchases.has(PROVED)).toBe(false);
    failing = false;
    const second = await open();
    await second.purchases.withProof(prover, qualified, () => undefined);
    expect(asked[1]?.blinded).toEqual(asked[0]?.blinded);
    expect(prover.tasks[1]?.claim).toEqual(prover.tasks[0]?.claim);
    expect((await taken(second.purse)).every((token) => isGenuine(keys, token))).toBe(true);
  });

  it('with work brings fewer', async () => {
    const { purchases, purse } = await open();
    await purchases.withWork();
    expect(asked[0]?.payment).toEqual({ type: 'work', work: 12 });
    expect([asked[0]?.blinded.length, purse.size]).toEqual([8, 8]);
  });

  it('refuses tokens of a key that is not in the list', async () => {
    answerKeys = tokenKeysOf(seed('marked'), PROVED + 1);
    const { purchases, purse } = await open();
    await expect(purchases.withWork()).rejects.toMatchObject({ code: 'bad-signature' });
    await expect(purchases.withProof(prover, qualified, () => undefined)).rejects.toMatchObject({
      code: 'bad-signature',
    });
    expect([purse.size, purchases.has(PROVED)]).toEqual([0, false]);
  });

  it('keeps nothing of an epoch that is past', async () => {
    await store.write([
      { table: 'contribution', key: `purchase/${String(PROVED - 3)}`, value: new Uint8Array(2) },
    ]);
    const { purchases } = await open();
    await purchases.withProof(prover, qualified, () => undefined);
    const left = (await store.all('contribution'))
      .map(([key]) => key)
      .filter((key) => key.startsWith('purchase/'));
    expect(left).toEqual([`purchase/${String(PROVED)}`]);
  });
});

it('token keys: the first word of an epoch counts, and the last three epochs', () => {
  const known = new TokenKeys();
  const keyOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
  for (const epoch of [1, 2, 3, 4]) known.learn(consensusOf([], { epoch, tokenKey: keyOf(epoch) }));
  known.learn(consensusOf([], { epoch: 4, tokenKey: keyOf(99) }));
  expect([1, 2, 3, 4].map((epoch) => known.of(epoch)?.[0])).toEqual([undefined, 2, 3, 4]);
});

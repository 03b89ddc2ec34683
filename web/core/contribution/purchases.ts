import { decode, encode, fixed, list, struct } from '#shared/bytes/codec.ts';
import { blindTokens, issueSignalHash, tokensFrom } from '#shared/contribution/tokens.ts';
import { ELEMENT_LENGTH, type Blinded } from '#shared/crypto/voprf.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { issueChallenge, PROOF_BATCH, tokenScope, WORK_BATCH, type Token } from '#shared/directory/tokens.ts';
import { RemoteError } from '#shared/errors.ts';
import type { ProofStage } from '#web/api-helping.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { present } from './presenting.ts';
import type { Proofs } from './proofs.ts';
import type { Purse } from './purse.ts';
import type { Qualified } from './qualification.ts';
import type { TokenKeys } from './token-keys.ts';

/** What was or will be sent blinded for an epoch's proof; empty once its tokens are in the purse. */
const purchaseCodec = list(
  struct({ input: fixed(32), blind: fixed(ELEMENT_LENGTH), element: fixed(ELEMENT_LENGTH) }),
  PROOF_BATCH,
);

const PREFIX = 'purchase/';
/** For as long as a proof of their epoch is taken. */
const KEPT_EPOCHS = 2;

type Env = {
  store: Store;
  ports: Pick<Host['ports'], 'rng' | 'later'>;
  network: Pick<Network, 'ask' | 'askWithWork'>;
  purse: Purse;
  keys: TokenKeys;
};

/** Buys tokens. A nullifier is spent on the first blinded elements that come with it, so those are kept until the answer is there. */
export class Purchases {
  readonly #env: Env;
  readonly #begun = new Map<number, readonly Blinded[]>();

  constructor(env: Env, records: readonly [string, Uint8Array][]) {
    this.#env = env;
    for (const [key, value] of records) {
      if (key.startsWith(PREFIX))
        this.#begun.set(Number(key.slice(PREFIX.length)), decode(purchaseCodec, value));
    }
  }

  /** Whether a proof of this epoch has bought its tokens. */
  has(epoch: number): boolean {
    return this.#begun.get(epoch)?.length === 0;
  }

  /** Rejects with what proving and `Network.ask` reject with; `bad-key`, `bad-signature` for tokens of a key that is not everybody's. */
  async withProof(proofs: Proofs, qualified: Qualified, stage: (stage: ProofStage) => void): Promise<void> {
    const { epoch } = qualified;
    const blinded = this.#begun.get(epoch) ?? (await this.#begin(epoch));
    const elements = blinded.map(({ element }) => element);
    const use = { scope: tokenScope, signalHash: issueSignalHash(elements) };
    stage({ kind: 'proving', fraction: 0 });
    const presentation = await present(proofs, qualified, use, (fraction) =>
      stage({ kind: 'proving', fraction }),
    );
    stage({ kind: 'submitting' });
    const payment = { type: 'proof', ...presentation } as const;
    const answer = await this.#env.network.ask('tokens', { type: 'issue', payment, blinded: elements });
    await this.#env.purse.add(this.#tokens(blinded, answer), [purchase(epoch, [])]);
    this.#begun.set(epoch, []);
  }

  /** Fewer tokens, for who has no proof. */
  async withWork(): Promise<void> {
    const blinded = await this.#blind(WORK_BATCH);
    const elements = blinded.map(({ element }) => element);
    const answer = await this.#env.network.askWithWork('tokens', {
      challenge: (binding) => issueChallenge(binding, elements),
      request: (work) => ({ type: 'issue', payment: { type: 'work', work }, blinded: elements }),
    });
    await this.#env.purse.add(this.#tokens(blinded, answer));
  }

  /** One a turn: each takes some milliseconds, for which cells would wait. */
  async #blind(count: number): Promise<Blinded[]> {
    const { rng, later } = this.#env.ports;
    const all: Blinded[] = [];
    while (all.length < count) {
      await new Promise<void>((done) => later(done));
      all.push(...blindTokens(1, rng));
    }
    return all;
  }

  async #begin(epoch: number): Promise<readonly Blinded[]> {
    const blinded = await this.#blind(PROOF_BATCH);
    const old = [...this.#begun.keys()].filter((each) => each + KEPT_EPOCHS < epoch);
    await this.#env.store.write([
      purchase(epoch, blinded),
      ...old.map((each): Change => ({ ...purchase(each, []), value: undefined })),
    ]);
    for (const each of old) this.#begun.delete(each);
    this.#begun.set(epoch, blinded);
    return blinded;
  }

  #tokens(blinded: readonly Blinded[], answer: DirectoryResponse): Token[] {
    if (answer.type !== 'issued') throw new RemoteError('unexpected', 'not tokens');
    const publicKey = this.#env.keys.of(answer.epoch);
    if (!publicKey) throw new RemoteError('bad-key', 'tokens of a key that no list names');
    return tokensFrom({ epoch: answer.epoch, publicKey }, blinded, answer);
  }
}

const purchase = (epoch: number, blinded: readonly Blinded[]): Change => ({
  table: 'contribution',
  key: PREFIX + String(epoch),
  value: encode(
    purchaseCodec,
    blinded.map(({ input, blind, element }) => ({ input, blind, element })),
  ),
});

import { epochAt, epochPlan, type EpochPlan } from '#shared/contribution/epochs.ts';
import { uniform } from '#shared/crypto/rng.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { codeOf, type Code } from '#shared/errors.ts';
import type { AskPurpose, RequestFor } from '#shared/directory/purposes.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { HelpingView } from '#web/api-helping.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { ProverWorker } from '#web/core/prover.ts';
import type { Store } from '#web/core/store/ports.ts';
import { Days, type Carried } from './days.ts';
import { Heartbeats } from './heartbeats.ts';
import { helpingView } from './helping.ts';
import { Payments } from './payments.ts';
import { presentTicket } from './presenting.ts';
import { Proofs } from './proofs.ts';
import { Purchases } from './purchases.ts';
import { Purse } from './purse.ts';
import { qualify } from './qualification.ts';
import { Round } from './round.ts';
import { Secrets } from './secrets.ts';
import { TokenKeys } from './token-keys.ts';

/** How often the day's count is looked at. */
const COUNT_MS: Millis = 30_000;

type Env = {
  store: Store;
  /** What the store's table `contribution` held at the start. */
  records: readonly [string, Uint8Array][];
  ports: Host['ports'];
  network: Network;
  /** Without it nothing is proved, and so nothing is committed to. */
  prover: (() => ProverWorker) | undefined;
  node: NodeId;
  relaying(): boolean;
  /** Circuits of others that pass through now, and all there were. */
  carried(): { now: number; total: Carried };
  changed(): void;
};

/** What this client shows for having relayed, and what it buys with it. */
export class Contribution {
  readonly #env: Env;
  readonly #secrets: Secrets;
  readonly #heartbeats = new Heartbeats();
  readonly #days: Days;
  readonly #purse: Purse;
  readonly #keys = new TokenKeys();
  readonly #proofs: Proofs | undefined;
  readonly #purchases: Purchases;
  readonly #payments: Payments;
  #consensus: Consensus | undefined;
  #round: Round | undefined;
  /** The epoch for which the node was last given a commitment. */
  #committed: number | undefined;
  #error: HelpingView['error'] = null;
  #cancelCount: (() => void) | undefined;
  /** Undefined until it is known when. */
  #cancelFetch: (() => void) | undefined;
  #stopped = false;

  constructor(env: Env) {
    const { store, records, ports, network, prover } = env;
    this.#env = env;
    this.#secrets = new Secrets(store, ports.rng, records);
    this.#days = new Days(records);
    this.#purse = new Purse(store, records);
    this.#proofs = prover && new Proofs(prover, ports.timer);
    const purse = this.#purse;
    this.#purchases = new Purchases({ store, ports, network, purse, keys: this.#keys }, records);
    this.#payments = new Payments({
      network,
      purse,
      ports,
      terms: () => this.#terms(),
      buy: () => this.#buyWithWork(),
      changed: () => env.changed(),
    });
    this.#countLater();
  }

  view(): HelpingView {
    const { relaying, carried, ports } = this.#env;
    return helpingView({
      now: ports.now(),
      params: this.#consensus?.params,
      relaying: relaying() && this.#proofs !== undefined,
      heartbeats: this.#heartbeats,
      carried: carried().now,
      days: this.#days.last,
      round: this.#round,
      tokens: this.#purse.size,
      error: this.#error,
    });
  }

  onNode(event: NodeEvent): void {
    if (event.type === 'consensus') this.#onConsensus(event.consensus);
    if (event.type !== 'heartbeat') return;
    this.#heartbeats.add(event.at, event.outcome, event.result);
    this.#env.changed();
  }

  /** Bytes. */
  get carriedToday(): number {
    return this.#days.bytesOn(this.#env.ports.now(), this.#env.carried().total);
  }

  /** Relaying was switched. What was carried so far is told at once: it may be the reason. */
  switched(): void {
    this.#count();
    this.#committed = undefined;
    if (this.#consensus) this.#commit(this.#consensus);
    this.#env.changed();
  }

  /** One of the requests that may cost a token. Rejects as `Network.ask` does. */
  pay<P extends AskPurpose>(purpose: P, request: RequestFor<P>): Promise<DirectoryResponse> {
    return this.#payments.ask(purpose, request);
  }

  /** A presentation for an inbox of this tag at this exit, or undefined: then work has to do. */
  async ticket(exit: NodeId, tag: Uint8Array): Promise<Uint8Array | undefined> {
    if (!this.#proofs) return undefined;
    try {
      const qualified = await this.#round?.qualified();
      return qualified && (await presentTicket(this.#proofs, qualified, exit, tag));
    } catch (error) {
      this.#failed(codeOf(error));
      return undefined;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelCount?.();
    this.#cancelFetch?.();
    this.#round?.stop();
    this.#proofs?.stop();
    this.#count();
  }

  #terms(): { plan: EpochPlan; enforced: boolean } | undefined {
    const params = this.#consensus?.params;
    return params && { plan: epochPlan(params.epochMs), enforced: params.policy === 'enforce' };
  }

  #onConsensus(consensus: Consensus): void {
    if (this.#stopped) return;
    this.#consensus = consensus;
    this.#keys.learn(consensus);
    this.#commit(consensus);
    this.#beginRound(consensus);
    const plan = epochPlan(consensus.params.epochMs);
    void this.#purse
      .prune(this.#env.ports.now(), plan)
      .catch((error: unknown) => this.#failed(codeOf(error)));
    this.#env.changed();
  }

  /** Tells the node what its heartbeats of this epoch carry, once that is stored. */
  #commit({ epoch, params }: Consensus): void {
    if (params.policy === 'off' || !this.#env.relaying() || !this.#proofs) return;
    this.#fetchOnce(params.epochMs);
    if (this.#committed === epoch) return;
    this.#committed = epoch;
    this.#secrets.make(epoch, this.#env.node).then(
      ({ commitment }) => this.#env.network.command({ type: 'commit', epoch, commitment }),
      (error: unknown) => {
        this.#committed = undefined;
        this.#failed(codeOf(error));
      },
    );
  }

  /**
   * What proving needs comes from the app's server, which sees who asks for it: so it is fetched at a random time, long
   * before the first proof can be made, and tells nothing of when one is.
   */
  #fetchOnce(epochMs: Millis): void {
    const { rng, timer } = this.#env.ports;
    this.#cancelFetch ??= timer(uniform(rng, epochMs / 2), () => {
      void this.#proofs?.fetch().catch((error: unknown) => this.#failed(codeOf(error)));
    });
  }

  /** The scores of another epoch are fixed. */
  #beginRound({ contributionEpoch: epoch, contributionRoot: root, params }: Consensus): void {
    if (this.#round?.closed.epoch === epoch && params.policy !== 'off') return;
    const secrets = this.#secrets.of(epoch);
    const proofs = this.#proofs;
    this.#round?.stop();
    this.#round = undefined;
    const plan = epochPlan(params.epochMs);
    const { network, ports, changed } = this.#env;
    // What was closed long ago is not taken any more.
    const late = epoch + 1 < epochAt(ports.now(), plan);
    if (params.policy === 'off' || secrets.length === 0 || !proofs || late) return;
    const closed = { epoch, root };
    this.#round = new Round(closed, {
      ports,
      plan,
      bought: this.#purchases.has(epoch),
      qualify: () => qualify(network, ports, closed, secrets),
      buy: (qualified, stage) => this.#purchases.withProof(proofs, qualified, stage),
      changed: () => changed(),
      failed: (code) => this.#failed(code),
    });
  }

  /** Where neither tokens nor a proof are at hand. */
  async #buyWithWork(): Promise<void> {
    try {
      await this.#purchases.withWork();
    } catch (error) {
      this.#failed(codeOf(error));
      throw error;
    }
  }

  #failed(code: Code): void {
    if (this.#stopped) return;
    this.#error = { code, at: this.#env.ports.now() };
    this.#env.changed();
  }

  #countLater(): void {
    this.#cancelCount = this.#env.ports.timer(COUNT_MS, () => {
      this.#count();
      this.#countLater();
    });
  }

  #count(): void {
    const { store, ports, carried, changed } = this.#env;
    const changes = this.#days.count(ports.now(), carried().total);
    if (changes.length === 0) return;
    store.write(changes).catch((error: unknown) => this.#failed(codeOf(error)));
    changed();
  }
}

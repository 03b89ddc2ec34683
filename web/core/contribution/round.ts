import { epochStart, type EpochPlan } from '#shared/contribution/epochs.ts';
import { SMALLEST_CROWD } from '#shared/contribution/tiers.ts';
import { uniform } from '#shared/crypto/rng.ts';
import { codeOf, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { ProofStage } from '#web/api-helping.ts';
import type { Host } from '#web/core/host.ts';
import type { Closed, Qualified, Verdict } from './qualification.ts';

/** Of the time that is left for a proof, the part within which it begins. */
const BEGIN_PART = 0.6;
/** Of that time, the part within which it is tried again. */
const AGAIN_PART = 0.1;
const TRIES = 5;

/** With these another try would come to the same. */
const lasting: readonly Code[] = ['equivocation', 'replayed', 'storage', 'finished'];

type Env = {
  ports: Pick<Host['ports'], 'now' | 'rng' | 'timer'>;
  plan: EpochPlan;
  /** Whether this epoch's tokens were bought before a reload. */
  bought: boolean;
  qualify(): Promise<Verdict>;
  /** Proves, and buys tokens with it. */
  buy(qualified: Qualified, stage: (stage: ProofStage) => void): Promise<void>;
  changed(): void;
  failed(code: Code): void;
};

/** One closed epoch's proof: at a random time it is seen whether this user stands in it, and then it is proved. */
export class Round {
  readonly closed: Closed;
  readonly #env: Env;
  #stage: ProofStage;
  /** Under way, or found; one that failed is asked for anew. */
  #verdict: Promise<Verdict> | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(closed: Closed, env: Env) {
    this.closed = closed;
    this.#env = env;
    const at = env.ports.now() + this.#chance(BEGIN_PART);
    this.#stage = env.bought ? { kind: 'verified' } : { kind: 'waiting', at };
    this.#beginAt(at, 1);
  }

  get stage(): ProofStage {
    return this.#stage;
  }

  /**
   * What proofs for other uses can be made from; undefined when there is nothing. These are asked for when their user needs
   * them, which is no less a time of chance. Rejects as `qualify` does.
   */
  async qualified(): Promise<Qualified | undefined> {
    const verdict = await this.#judge();
    return verdict.kind === 'qualified' ? verdict.qualified : undefined;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** So that what is seen of a proof tells nothing of when its maker came or heard of the epoch's end. */
  #chance(part: number): Millis {
    const { now, rng } = this.#env.ports;
    const left = Math.max(0, epochStart(this.closed.epoch + 2, this.#env.plan) - now());
    return uniform(rng, Math.floor(left * part) + 1);
  }

  #beginAt(at: Millis, tries: number): void {
    const { now, timer } = this.#env.ports;
    this.#cancel = timer(Math.max(0, at - now()), () => void this.#try(tries));
  }

  async #try(tries: number): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      const code = codeOf(error);
      if (this.#stopped) return;
      this.#env.failed(code);
      if (tries >= TRIES || lasting.includes(code)) return this.#to({ kind: 'failed', code });
      const at = this.#env.ports.now() + this.#chance(AGAIN_PART);
      this.#to({ kind: 'waiting', at });
      this.#beginAt(at, tries + 1);
    }
  }

  async #run(): Promise<void> {
    this.#to({ kind: 'checking' });
    const verdict = await this.#judge();
    if (verdict.kind === 'not-enough') return this.#to(verdict);
    if (verdict.kind === 'crowd-too-small') return this.#to({ ...verdict, least: SMALLEST_CROWD });
    if (this.#stopped) return;
    if (!this.#env.bought) await this.#env.buy(verdict.qualified, (stage) => this.#to(stage));
    this.#to({ kind: 'verified' });
  }

  #judge(): Promise<Verdict> {
    this.#verdict ??= this.#env.qualify().catch((error: unknown) => {
      this.#verdict = undefined;
      throw error;
    });
    return this.#verdict;
  }

  #to(stage: ProofStage): void {
    if (this.#stopped || this.#env.bought) return;
    this.#stage = stage;
    this.#env.changed();
  }
}

import { hex } from '../bytes/bytes.ts';
import type { Value } from '../bytes/codec.ts';
import { acceptsEpoch, epochPlan } from '../contribution/epochs.ts';
import { integerOf } from '../contribution/field.ts';
import type { Claim, presentation } from '../contribution/statement.ts';
import { isTier } from '../contribution/tiers.ts';
import { CAPACITY } from '../contribution/tree.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Code } from '../errors.ts';
import { ticketScope, ticketSignal } from '../rendezvous/ticket.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Context } from './context.ts';

/** Proofs that wait while one is checked. */
const MOST_WAITING = 32;

/** Who checks has so long. */
const CHECK_MS: Millis = 10_000;

/** Epochs whose proofs can be in time at once. */
const EPOCHS = 2;

type Presentation = Value<typeof presentation>;
/** What is wrong with the proof, if anything. */
type Done = (fault: Code | undefined) => void;
type Check = { claim: Claim; proof: Uint8Array; tag: string; isWanted: () => boolean; done: Done };
/** An epoch whose scores are fixed, and who proved what in it here: nullifier → tag. */
type Epoch = { epoch: number; root: bigint; used: Map<bigint, string> };

type Parts = { context: Context; self: NodeId; consensus(): Consensus | undefined };

/** Whether the proofs in tickets hold: what costs least is looked at first, and the proofs themselves one by one, outside. */
export class ProofChecks {
  readonly #parts: Parts;
  #epochs: Epoch[] = [];
  #running = false;
  #waiting: Check[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Roots are known from consensuses alone. */
  onConsensus({ contributionEpoch: epoch, contributionRoot }: Consensus): void {
    if (epoch === 0 || this.#epochs.some((known) => known.epoch === epoch)) return;
    const found = { epoch, root: integerOf(contributionRoot), used: new Map<bigint, string>() };
    this.#epochs = [...this.#epochs, found].sort((a, b) => a.epoch - b.epoch).slice(-EPOCHS);
  }

  /**
   * `done`, at once or later if it is wanted by then: undefined for a proof that holds and was used for no other tag;
   * else `stale` (not of an epoch that can be proved now, as far as is known here), `malformed`, `replayed`, `too-many`
   * or `refused`.
   */
  check(tag: Uint8Array, given: Presentation, isWanted: () => boolean, done: Done): void {
    const { self } = this.#parts;
    const known = this.#epochs.find(({ epoch }) => epoch === given.epoch);
    if (!known || !this.#isInTime(given.epoch)) return done('stale');
    if (!isTier(given.threshold)) return done('malformed');
    const { epoch, threshold, nullifier, proof } = given;
    const check: Check = {
      claim: {
        nullifier,
        root: known.root,
        epoch,
        scope: ticketScope(self),
        threshold,
        signalHash: ticketSignal(self, tag),
      },
      proof,
      tag: hex(tag),
      isWanted,
      done,
    };
    const fault = this.#misuse(check);
    if (fault !== undefined) return done(fault);
    if (this.#waiting.length >= MOST_WAITING) return done('too-many');
    this.#waiting.push(check);
    this.#next();
  }

  #isInTime(epoch: number): boolean {
    const { context, consensus } = this.#parts;
    const { epochMs } = consensus()?.params ?? {};
    return epochMs !== undefined && acceptsEpoch(epoch, context.now, epochPlan(epochMs));
  }

  /** A nullifier is one tag's for its epoch, which may show it again. An epoch has no more provers than its tree leaves. */
  #misuse({ claim, tag }: Check): Code | undefined {
    const used = this.#epochs.find(({ epoch }) => epoch === claim.epoch)?.used;
    if (!used) return 'stale';
    const by = used.get(claim.nullifier);
    if (by !== undefined) return by === tag ? undefined : 'replayed';
    return used.size >= CAPACITY ? 'too-many' : undefined;
  }

  #next(): void {
    if (this.#running) return;
    let check = this.#waiting.shift();
    while (check && !check.isWanted()) check = this.#waiting.shift();
    if (!check) return;
    this.#run(check);
  }

  #run(check: Check): void {
    const { context } = this.#parts;
    this.#running = true;
    const { claim, proof } = check;
    const judged = (valid: boolean): void => {
      context.checks.drop(job);
      context.timers.clear('proof-check');
      this.#running = false;
      check.done(valid ? this.#use(check) : 'refused');
      this.#next();
    };
    const job = context.checks.begin(judged);
    context.out({ type: 'verify', job, claim, proof });
    context.after('proof-check', CHECK_MS, () => judged(false));
  }

  /** Another tag may have used it meanwhile. */
  #use(check: Check): Code | undefined {
    const fault = this.#misuse(check);
    if (fault !== undefined) return fault;
    const { claim, tag } = check;
    this.#epochs.find(({ epoch }) => epoch === claim.epoch)?.used.set(claim.nullifier, tag);
    return undefined;
  }
}

import { workBits } from '#shared/directory/work.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Circuit } from './context.ts';

/** What is asked first: under a tenth of a second of a tab, for less would hold up nobody. */
const FIRST_BITS = 14;
/** More for each halving of the room that is left. */
const BITS_PER_HALVING = 2;
const FULL_FROM = 1 / 2;
/** What was asked does for so long, also if more is asked of others by then. */
const GRACE_MS: Millis = 120_000;
const MINUTE_MS: Millis = 60_000;

export type AdmissionOptions = {
  /** New nodes a minute that come in freely. */
  newcomers: number;
  maxNodes: number;
  mostBits: number;
};

export type Applicant = { node: NodeId; work: number; circuit: Circuit; nodes: number; now: Millis };

/**
 * What a node that is not there yet has to show. Nothing while newcomers are few and there is room; else work, bound to
 * node and circuit, which grows by a bit for each doubling of their rate, and as the directory fills. Who asks need
 * not be known: it is the circuit that works.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Newcomers of about the last minute, as of `#countedAt`: each counts for less as time passes. */
  #count = 0;
  #countedAt: Millis = -Infinity;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Bits of work that the applicant has not shown; 0 when it may come in. */
  due({ node, work, circuit, nodes, now }: Applicant): number {
    const bits = this.bits(nodes, now);
    if (bits === 0) return 0;
    const { asked, binding } = circuit;
    const standing = asked && now - asked.at <= GRACE_MS ? asked : { bits, at: now };
    const needed = Math.min(bits, standing.bits);
    if (work !== circuit.spent && workBits({ binding, node }, work) >= needed) return 0;
    circuit.asked = standing;
    return needed;
  }

  /** The applicant is in, and its work is spent. */
  admitted(circuit: Circuit, work: number, now: Millis): void {
    circuit.spent = work;
    circuit.asked = undefined;
    this.#count = this.#rate(now) + 1;
    this.#countedAt = now;
  }

  /** What is asked while `nodes` are there. */
  bits(nodes: number, now: Millis): number {
    const { newcomers, maxNodes, mostBits } = this.#options;
    const rate = this.#rate(now);
    const left = 1 - nodes / maxNodes;
    const byRate = rate < newcomers ? 0 : FIRST_BITS + Math.floor(Math.log2(rate / newcomers));
    const byFill =
      left > FULL_FROM ? 0 : FIRST_BITS + BITS_PER_HALVING * Math.floor(Math.log2(FULL_FROM / left));
    return Math.min(mostBits, Math.max(byRate, byFill));
  }

  /** Newcomers a minute. */
  #rate(now: Millis): number {
    return this.#count * Math.exp(-Math.max(0, now - this.#countedAt) / MINUTE_MS);
  }
}

import { workBits } from '#shared/crypto/work.ts';
import { registrationChallenge } from '#shared/directory/work.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Circuit } from './context.ts';
import { heldTo, Rate } from './toll.ts';

/** What is asked first: under a tenth of a second of a tab, for less would hold up nobody. */
const FIRST_BITS = 14;
/** More for each halving of the room that is left. */
const BITS_PER_HALVING = 2;
const FULL_FROM = 1 / 2;

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
  readonly #newcomers: Rate;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#newcomers = new Rate(options.newcomers);
  }

  /** Bits of work that the applicant has not shown; 0 when it may come in. */
  due({ node, work, circuit, nodes, now }: Applicant): number {
    const bits = this.bits(nodes, now);
    if (bits === 0) return 0;
    const asked = heldTo(circuit.asked, bits, now);
    const challenge = registrationChallenge(circuit.binding, node);
    if (work !== circuit.spent && workBits(challenge, work) >= asked.bits) return 0;
    circuit.asked = asked;
    return asked.bits;
  }

  /** The applicant is in, and its work is spent. */
  admitted(circuit: Circuit, work: number, now: Millis): void {
    circuit.spent = work;
    circuit.asked = undefined;
    this.#newcomers.came(now);
  }

  /** What is asked while `nodes` are there. */
  bits(nodes: number, now: Millis): number {
    const { maxNodes, mostBits } = this.#options;
    const doublings = this.#newcomers.doublings(now);
    const left = 1 - nodes / maxNodes;
    const byRate = doublings < 0 ? 0 : FIRST_BITS + doublings;
    const byFill =
      left > FULL_FROM ? 0 : FIRST_BITS + BITS_PER_HALVING * Math.floor(Math.log2(FULL_FROM / left));
    return Math.min(mostBits, Math.max(byRate, byFill));
  }
}

import { uniformBetween } from '../crypto/rng.ts';
import {
  follows,
  readConsensus,
  statementOf,
  type ChainLink,
  type Consensus,
  type Statement,
} from '../directory/consensus.ts';
import type { Millis } from '../units.ts';
import type { Context } from './context.ts';
import type { DirectoryCircuit } from './directory-circuit.ts';

/** What failed is tried again after this long, doubled up to the most. */
const RETRY_MS: Millis = 500;
const RETRY_MOST_MS: Millis = 8000;

/** After a node was asked for in vain the consensus is asked for at once, though no more often than this. */
const HURRY_MS: Millis = 1000;

/** Under this many nodes each newcomer counts, and a consensus is short. */
const SMALL_NETWORK = 24;
const SMALL_FRESH_MS: Millis = 12_000;

/** Waits between tries: random, and longer with each. */
export class BackOff {
  readonly #context: Context;
  #delayMs = RETRY_MS;

  constructor(context: Context) {
    this.#context = context;
  }

  next(): Millis {
    const delay = this.#delayMs;
    this.#delayMs = Math.min(RETRY_MOST_MS, delay * 2);
    return uniformBetween(this.#context.rng, delay / 2, delay);
  }

  reset(): void {
    this.#delayMs = RETRY_MS;
  }
}

type Parts = {
  context: Context;
  /** The directory's key when it is known beforehand; else the first one seen is kept to. */
  pinnedKey: Uint8Array | undefined;
  /** The circuit of the bootstrap; without it the consensus is fetched by HTTP. */
  plain(): DirectoryCircuit | undefined;
  /** The node's own, where that is another. */
  own(): DirectoryCircuit | undefined;
  /** False when it contradicts what the directory said elsewhere. */
  witness(directoryKey: Uint8Array, statement: Statement): boolean;
  changed(consensus: Consensus): void;
};

/**
 * Keeps the newest verified consensus of one directory. What shows whose connection it is goes by a clock of its own, and
 * states what was given there: it must not tell when the node does something, nor what it heard elsewhere.
 */
export class ConsensusKeeper {
  readonly #parts: Parts;
  readonly #backOff: BackOff;
  #consensus: Consensus | undefined;
  #chain: ChainLink | undefined;
  #fetchedAt = 0;
  /** The newest that came by HTTP or the circuit of the bootstrap. */
  #given = 0;
  #running = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#backOff = new BackOff(parts.context);
  }

  get consensus(): Consensus | undefined {
    return this.#consensus;
  }

  start(): void {
    this.#running = true;
    this.#fetch();
  }

  stop(): void {
    this.#running = false;
    for (const name of ['fetch', 'hurry']) this.#parts.context.timers.clear(`consensus:${name}`);
  }

  /** The directory says different things to different people: none of it is used. */
  distrust(): void {
    this.stop();
    this.#consensus = undefined;
  }

  /** A bad consensus is dropped, counted, and alarms where it convicts the directory. `own`: it came over the node's circuit. */
  receive(body: Uint8Array, own = false): void {
    const { context } = this.#parts;
    context.guard(
      () => this.#take(body, own),
      (code) => {
        context.event({ type: 'refused', where: 'consensus', code });
        if (code === 'bad-key') context.event({ type: 'alarm', code });
        if (!own) this.#fetchIn(this.#consensus ? this.#freshMs() : this.#backOff.next());
      },
    );
  }

  failed(): void {
    this.#fetchIn(this.#backOff.next());
  }

  /** A path could not be drawn or a node was not found: what is known may be old. */
  hurry(): void {
    const { context } = this.#parts;
    if (!this.#running || context.timers.has('consensus:hurry')) return;
    const wait = Math.max(0, this.#fetchedAt + HURRY_MS - context.now);
    context.after('consensus:hurry', wait, () => this.#hurried());
  }

  #take(body: Uint8Array, own: boolean): void {
    const { context, pinnedKey } = this.#parts;
    const directoryKey = this.#chain?.directoryKey ?? pinnedKey;
    const consensus = readConsensus(body).verify({ directoryKey, now: context.now });
    const statement = statementOf(body, consensus);
    if (!this.#parts.witness(consensus.directoryKey, statement)) return;
    const next = { ...statement, directoryKey: consensus.directoryKey };
    if (!own) {
      this.#backOff.reset();
      this.#given = consensus.sequence;
    }
    const same = this.#chain && follows(this.#chain, next) === 'same';
    if (!same) [this.#chain, this.#consensus] = [next, consensus];
    if (!own) this.#fetchIn(this.#freshMs());
    if (!same) this.#parts.changed(consensus);
  }

  #freshMs(): Millis {
    const { params, nodes } = this.#consensus ?? {};
    const small = !nodes || nodes.length < SMALL_NETWORK;
    const freshMs = small ? SMALL_FRESH_MS : (params?.freshMs ?? SMALL_FRESH_MS);
    return uniformBetween(this.#parts.context.rng, freshMs / 4, freshMs / 2);
  }

  #fetchIn(delayMs: Millis): void {
    if (this.#running) this.#parts.context.after('consensus:fetch', delayMs, () => this.#fetch());
  }

  #fetch(): void {
    if (!this.#running) return;
    this.#fetchedAt = this.#parts.context.now;
    this.#fetchIn(this.#freshMs());
    const circuit = this.#parts.plain();
    if (!circuit) return this.#parts.context.out({ type: 'fetch-consensus' });
    circuit.request({ type: 'consensus', after: this.#given }, (answer) => {
      // A circuit that answers nothing is of no use to anyone.
      if ('code' in answer && answer.code === 'timeout') circuit.origin.end('timeout');
      if ('code' in answer) this.failed();
      else if (answer.type === 'consensus') this.receive(answer.bytes);
    });
  }

  /** What the node lacks is asked for over its own circuit, if it has one. */
  #hurried(): void {
    const circuit = this.#parts.own();
    if (!circuit) return this.#fetch();
    this.#fetchedAt = this.#parts.context.now;
    circuit.request({ type: 'consensus', after: circuit.given }, (answer) => {
      if (!('type' in answer) || answer.type !== 'consensus') return;
      this.receive(answer.bytes, true);
      circuit.given = this.#consensus?.sequence ?? 0;
    });
  }
}

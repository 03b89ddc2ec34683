import type { Consensus, Statement } from '../directory/consensus.ts';
import type { DirectoryPush } from '../directory/messages.ts';
import type { AskPurpose } from '../directory/purposes.ts';
import type { Code } from '../errors.ts';
import { nodeId, type LinkId, type Millis, type NodeId } from '../units.ts';
import { BackOff, ConsensusKeeper } from './consensus-keeper.ts';
import { askOver } from './asking.ts';
import type { Context } from './context.ts';
import { DirectoryCircuit, refusal } from './directory-circuit.ts';
import type { Command } from './input.ts';
import type { Link, Links } from './links.ts';
import type { Origin, OriginHandlers, Origins, Target } from './origins.ts';
import type { Paths } from './paths.ts';

/** Purposes whose circuit carries nothing else, however short circuits to the directory are. */
const APART: readonly AskPurpose[] = ['leaves', 'tokens'];
/** Likewise, where the network has the nodes for it: on one circuit they would show what belongs to one user. */
const APART_IF_POSSIBLE: readonly AskPurpose[] = ['mailbox', 'ahead'];
/** Nodes before the directory on it: a guard and an exit. */
const LEAST_APART = 2;

export type AskResult = { body: Uint8Array } | { code: Code };

type Parts = {
  context: Context;
  links: Links;
  origins: Origins;
  paths: Paths;
  /** The directory's key when it is known beforehand. */
  pinnedKey: Uint8Array | undefined;
  /** False when the consensus contradicts what the directory said elsewhere. */
  witness(directoryKey: Uint8Array, statement: Statement): boolean;
  onConsensus(consensus: Consensus): void;
  onSignal(sealed: Uint8Array): void;
  /** The node's directory circuit is open, or gone. */
  onMain(circuit: DirectoryCircuit | undefined): void;
};

/**
 * Keeps the consensus fresh, the WebSocket link up, and two circuits to the directory: the one-hop circuit of the
 * bootstrap, and the node's own of the length that the consensus asks for. At a length of one they are the same.
 */
export class DirectoryClient {
  readonly #parts: Parts;
  readonly #keeper: ConsensusKeeper;
  readonly #backOff: BackOff;
  #link: LinkId | undefined;
  #bootstrap: DirectoryCircuit | undefined;
  #main: DirectoryCircuit | undefined;
  /** Of the main circuit that ended last: the next one takes another. */
  #failedExit: NodeId | undefined;
  #building = false;
  #stopped = true;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#backOff = new BackOff(parts.context);
    this.#keeper = new ConsensusKeeper({
      context: parts.context,
      pinnedKey: parts.pinnedKey,
      circuit: () => this.#main ?? this.#bootstrap,
      witness: parts.witness,
      changed: (consensus) => this.#onConsensus(consensus),
    });
  }

  get consensus(): Consensus | undefined {
    return this.#keeper.consensus;
  }

  get id(): NodeId | undefined {
    return this.consensus && nodeId(this.consensus.directoryKey);
  }

  get reachable(): boolean {
    return this.#bootstrap !== undefined;
  }

  get replyAddress(): Uint8Array | undefined {
    return (this.#main ?? this.#bootstrap)?.reply;
  }

  get target(): Target | undefined {
    const { consensus } = this;
    if (!consensus) return undefined;
    const { directoryKey: id, directoryOnionKey: onionKey } = consensus;
    return { node: nodeId(id), id, onionKey };
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#keeper.start();
    this.#openLink();
  }

  stop(): void {
    this.#stopped = true;
    this.#keeper.stop();
    for (const name of ['websocket', 'bootstrap', 'main'])
      this.#parts.context.timers.clear(`directory:${name}`);
  }

  /** Its lists are used no more, and it is asked for nothing. */
  distrust(): void {
    this.stop();
    this.#keeper.distrust();
    this.#parts.paths.forget();
  }

  onConsensus(body: Uint8Array): void {
    this.#keeper.receive(body);
  }

  onConsensusFailed(): void {
    this.#keeper.failed();
  }

  hurry(): void {
    this.#keeper.hurry();
  }

  isLink(id: LinkId): boolean {
    return this.#link === id;
  }

  onLinkOpen(id: LinkId): void {
    this.#parts.links.open(id, this.id, 'directory', true);
    this.#backOff.reset();
    this.#buildBootstrap();
  }

  onLinkClosed(id: LinkId): void {
    if (this.#link !== id) return;
    this.#link = undefined;
    if (!this.#stopped)
      this.#parts.context.after('directory:websocket', this.#backOff.next(), () => this.#openLink());
  }

  link(): Link | undefined {
    for (const link of this.#parts.links.all()) if (link.kind === 'directory') return link;
    return undefined;
  }

  signal(to: Uint8Array, sealed: Uint8Array, failed: (code: Code) => void): void {
    const circuit = this.#main ?? this.#bootstrap;
    if (!circuit) return failed('unreachable');
    circuit.request({ type: 'signal', to, sealed }, (answer) => {
      const code = refusal(answer);
      if (code === undefined) return;
      if (code === 'not-found') this.hurry();
      failed(code);
    });
  }

  /**
   * A request of the user's: over a circuit of its own where the network asks for more than one hop. What has to do with a proof
   * goes over one in any case, by another exit than `exitNot`: no circuit of the node's may carry it. Mail goes over one where it can.
   */
  ask(
    ask: Omit<Extract<Command, { type: 'ask' }>, 'type' | 'handle'>,
    done: (answer: AskResult, exit?: NodeId) => void,
  ): void {
    const { purpose, exitNot } = ask;
    const path = this.#wayOf(purpose, exitNot);
    if (path === 'none') return done({ code: 'too-small-network' });
    const { context, origins } = this.#parts;
    if (path === 'bootstrap' && this.#bootstrap) return void askOver(context, this.#bootstrap, ask, done);
    if (!path || path === 'bootstrap') return done({ code: 'unreachable' });
    let circuit: DirectoryCircuit | undefined;
    let giveUp = (): void => undefined;
    let answered = false;
    const finish = (answer: AskResult): void => {
      if (answered) return;
      answered = true;
      done(answer, path.at(-2)?.node);
    };
    const handlers: OriginHandlers = {
      open: (origin) => {
        circuit = new DirectoryCircuit(context, origin, () => undefined);
        giveUp = askOver(context, circuit, ask, (answer) => {
          finish(answer);
          origin.end('finished');
        });
      },
      message: (_, hop, message) => circuit?.receive(hop, message),
      closed: (_, code) => {
        giveUp();
        circuit?.closed(code);
        finish({ code });
      },
    };
    origins.build({ purpose: purpose === 'lookup' ? 'lookup' : 'directory', path, handlers });
  }

  #onPush(push: DirectoryPush): void {
    if (push.type === 'signal') this.#parts.onSignal(push.sealed);
    else this.#parts.context.event({ type: 'mail', mailbox: push.mailbox });
  }

  #onConsensus(consensus: Consensus): void {
    this.#parts.paths.update(consensus);
    this.#parts.onConsensus(consensus);
    this.#parts.context.event({ type: 'consensus', consensus });
    this.#buildBootstrap();
    // The network has grown to the length that is asked for.
    if (this.#main && this.#main === this.#bootstrap && this.#path() !== 'bootstrap')
      this.#setMain(undefined);
    if (!this.#main && this.#bootstrap) this.#buildMain();
  }

  #openLink(): void {
    if (this.#stopped || this.#link !== undefined) return;
    this.#link = this.#parts.context.handle() as LinkId;
    this.#parts.context.out({ type: 'open-websocket', link: this.#link });
  }

  #buildBootstrap(): void {
    const link = this.link();
    const { target } = this;
    if (!link || !target || this.#bootstrap || this.#building || this.#stopped) return;
    this.#building = true;
    let circuit: DirectoryCircuit | undefined;
    const handlers: OriginHandlers = {
      open: (origin) => {
        this.#building = false;
        circuit = new DirectoryCircuit(this.#parts.context, origin, (push) => this.#onPush(push));
        this.#bootstrap = circuit;
        this.#listen(circuit, () => this.#buildMain());
      },
      message: (_, hop, message) => circuit?.receive(hop, message),
      closed: (_, code) => {
        this.#building = false;
        this.#bootstrap = undefined;
        circuit?.closed(code);
        this.#parts.context.changed();
        if (this.#main && this.#main === circuit) this.#setMain(undefined);
        this.#parts.context.after('directory:bootstrap', this.#backOff.next(), () => this.#buildBootstrap());
      },
    };
    this.#parts.origins.build({ purpose: 'directory', path: [target], handlers });
  }

  /**
   * The path to the directory, its last hop included; `bootstrap` where the one-hop circuit has to do; undefined when
   * no path can be drawn now, which is never a reason to show the directory more than it asks for.
   */
  #path(): Target[] | 'bootstrap' | undefined {
    const hops = this.consensus?.params.directoryHops ?? 1;
    const { paths } = this.#parts;
    const { target } = this;
    // A network too small for the length takes the circuit there is, else it would never grow.
    if (!target || hops === 1 || !paths.possible(hops - 1)) return 'bootstrap';
    const exitNot = this.#failedExit === undefined ? [] : [this.#failedExit];
    const path = paths.choose({ length: hops - 1, exitNot }) ?? paths.choose({ length: hops - 1 });
    return path && [...path, target];
  }

  #wayOf(purpose: AskPurpose, exitNot: NodeId | undefined): Target[] | 'bootstrap' | 'none' | undefined {
    if (APART.includes(purpose)) return this.#apart(exitNot);
    // An auditor is known to the directory: nothing is hidden by a longer way.
    if (purpose === 'audit') return 'bootstrap';
    const apart = APART_IF_POSSIBLE.includes(purpose) ? this.#apart(exitNot) : 'none';
    return apart === 'none' ? this.#path() : apart;
  }

  /** By two nodes at least, whatever the network asks for; `none` where there are not so many. */
  #apart(exitNot: NodeId | undefined): Target[] | 'none' | undefined {
    const length = Math.max(LEAST_APART, (this.consensus?.params.directoryHops ?? 1) - 1);
    const { paths } = this.#parts;
    const { target } = this;
    if (!target) return undefined;
    const least = exitNot === undefined ? LEAST_APART : LEAST_APART + 1;
    if (!paths.possible(least)) return 'none';
    const wish = { exitNot: exitNot === undefined ? [] : [exitNot] };
    const path = paths.choose({ length, ...wish }) ?? paths.choose({ length: LEAST_APART, ...wish });
    return path && [...path, target];
  }

  #buildMain(): void {
    if (this.#stopped || this.#main || !this.#bootstrap) return;
    if (this.#parts.context.timers.has('directory:main')) return;
    const path = this.#path();
    if (path === 'bootstrap') return this.#setMain(this.#bootstrap);
    if (!path) return this.#mainIn(this.#backOff.next());
    let circuit: DirectoryCircuit | undefined;
    const handlers: OriginHandlers = {
      open: (origin: Origin) => {
        circuit = new DirectoryCircuit(this.#parts.context, origin, (push) => this.#onPush(push));
        const opened = circuit;
        this.#listen(opened, () => this.#setMain(opened));
      },
      message: (_, hop, message) => circuit?.receive(hop, message),
      closed: (_, code) => {
        circuit?.closed(code);
        this.#failedExit = path.at(-2)?.node;
        if (this.#main === circuit) this.#setMain(undefined);
        this.#mainIn(this.#backOff.next());
      },
    };
    this.#parts.origins.build({ purpose: 'directory', path, handlers });
    // Marks the build as under way; `closed` or `#setMain` ends it.
    this.#mainIn(60_000);
  }

  #mainIn(delayMs: Millis): void {
    if (this.#stopped) return;
    this.#parts.context.after('directory:main', delayMs, () => this.#buildMain());
  }

  #setMain(circuit: DirectoryCircuit | undefined): void {
    if (this.#main === circuit) return;
    this.#main = circuit;
    this.#backOff.reset();
    this.#parts.context.timers.clear('directory:main');
    this.#parts.onMain(circuit);
    this.#parts.context.changed();
    if (!circuit) this.#mainIn(this.#backOff.next());
  }

  #listen(circuit: DirectoryCircuit, done: () => void): void {
    circuit.request({ type: 'listen', reply: circuit.reply }, (answer) => {
      if (refusal(answer) === undefined) done();
      else circuit.origin.end('refused');
    });
  }
}

import type { Consensus, Statement } from '../directory/consensus.ts';
import type { DirectoryPush } from '../directory/messages.ts';
import type { AskPurpose } from '../directory/purposes.ts';
import type { Code } from '../errors.ts';
import { nodeId, type LinkId, type Millis, type NodeId } from '../units.ts';
import { BackOff, ConsensusKeeper } from './consensus-keeper.ts';
import { askAlong, askOver, type AskResult } from './asking.ts';
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
/** Circuits that are tried for one request, none of which came about before. */
const ASK_TRIES = 3;
/** A build of the node's own circuit is given up after this. */
const BUILD_MS: Millis = 60_000;
/** A relay without a user shows itself rather than be away for longer than this. */
const STUCK_MS: Millis = 30_000;
/** What is on its way on the circuit of the bootstrap gets through before that begins anew. */
const RENEW_MS: Millis = 5_000;

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
  /** The directory can be reached, by the circuit of the bootstrap. */
  onReady(): void;
  /** A relay that no user sits at: where no circuit comes about it registers over its own connection. */
  plain: boolean;
  /** The node's directory circuit is open, or gone. */
  onMain(circuit: DirectoryCircuit | undefined): void;
};

/**
 * Keeps the consensus fresh, the WebSocket link up, and two circuits to the directory: the one-hop circuit of the
 * bootstrap, which has no name and goes on as it is whatever the node does; and, from the time at which the node
 * registers, the node's own, of the length that the consensus asks for. In a small network they are the same.
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
  /** WebSockets asked for since one was last up. */
  #tries = 0;
  /** Since when the node has lacked a circuit of its own, if it wants one. */
  #wantedAt: Millis | undefined;
  #stopped = true;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#backOff = new BackOff(parts.context);
    this.#keeper = new ConsensusKeeper({
      context: parts.context,
      pinnedKey: parts.pinnedKey,
      plain: () => this.#bootstrap,
      own: () => (this.#main === this.#bootstrap ? undefined : this.#main),
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

  /** Tries in a row for a link to the directory, and when the next one is due: none while one is under way. */
  get tries(): { count: number; nextAt: Millis | undefined } {
    return { count: this.#tries, nextAt: this.#parts.context.timers.due('directory:websocket') };
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
    for (const name of ['websocket', 'bootstrap', 'main', 'renew'])
      this.#parts.context.timers.clear(`directory:${name}`);
  }

  /** The node begins to speak to the directory in its own name, or ends it. */
  serve(on: boolean): void {
    const { context } = this.#parts;
    this.#wantedAt = on ? context.now : undefined;
    if (on) return this.#buildMain();
    context.timers.clear('directory:main');
    const main = this.#main;
    if (main && main !== this.#bootstrap) main.origin.end('finished');
    else if (main) this.#setMain(undefined);
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
    this.#parts.links.open(id, this.id, 'directory', true, 'server');
    this.#backOff.reset();
    this.#tries = 0;
    this.#buildBootstrap();
  }

  /** Does not wait for the next try. */
  look(): void {
    this.#parts.context.timers.clear('directory:websocket');
    this.#openLink();
    this.hurry();
  }

  onLinkClosed(id: LinkId): void {
    if (this.#link !== id) return;
    this.#link = undefined;
    if (!this.#stopped)
      this.#parts.context.after('directory:websocket', this.#backOff.next(), () => this.#openLink());
    this.#parts.context.changed();
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
   * Where a node of the way is gone, the next one goes without it.
   */
  ask(
    ask: Omit<Extract<Command, { type: 'ask' }>, 'type' | 'handle'>,
    done: (answer: AskResult, exit?: NodeId) => void,
  ): void {
    const { context } = this.#parts;
    const askWithout = (lost: readonly NodeId[]): void => {
      const path = this.#wayOf(ask, lost);
      if (path === 'none') return done({ code: 'too-small-network' });
      if (path === 'bootstrap' && this.#bootstrap) return void askOver(context, this.#bootstrap, ask, done);
      if (!path || path === 'bootstrap') return done({ code: 'unreachable' });
      askAlong(this.#parts, path, ask, (answer, missing) => {
        if (!missing || lost.length + 1 >= ASK_TRIES || this.#stopped) return done(answer, path.at(-2)?.node);
        // There may be a newer consensus without it.
        this.hurry();
        askWithout([...lost, missing]);
      });
    };
    askWithout([]);
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
    this.#buildMain();
  }

  #openLink(): void {
    if (this.#stopped || this.#link !== undefined) return;
    this.#link = this.#parts.context.handle() as LinkId;
    this.#tries += 1;
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
        this.#listen(circuit, () => {
          this.#parts.onReady();
          this.#buildMain();
        });
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
  #path(lost: readonly NodeId[] = []): Target[] | 'bootstrap' | undefined {
    const hops = this.consensus?.params.directoryHops ?? 1;
    const { paths } = this.#parts;
    const { target } = this;
    // A network too small for the length takes the circuit there is, else it would never grow.
    if (!target || hops === 1 || !paths.possible(hops - 1)) return 'bootstrap';
    const exitNot = this.#failedExit === undefined ? [] : [this.#failedExit];
    const path = this.#draw(hops - 1, exitNot, lost) ?? this.#draw(hops - 1, [], lost);
    return path && [...path, target];
  }

  /** As above for the node's own circuit: in a network in which nobody is anonymous it begins at once, and holds whatever else breaks. */
  #mainPath(): Target[] | 'bootstrap' | undefined {
    const { consensus } = this;
    const small = !consensus || consensus.nodes.length < consensus.params.minimumNodes;
    return small ? 'bootstrap' : this.#path();
  }

  #wayOf(
    { purpose, exitNot }: { purpose: AskPurpose; exitNot?: NodeId | undefined },
    lost: readonly NodeId[],
  ): Target[] | 'bootstrap' | 'none' | undefined {
    if (APART.includes(purpose)) return this.#apart(exitNot, lost);
    // An auditor is known to the directory: nothing is hidden by a longer way.
    if (purpose === 'audit') return 'bootstrap';
    const apart = APART_IF_POSSIBLE.includes(purpose) ? this.#apart(exitNot, lost) : 'none';
    return apart === 'none' ? this.#path(lost) : apart;
  }

  /** By two nodes at least, whatever the network asks for; `none` where there are not so many. */
  #apart(exitNot: NodeId | undefined, lost: readonly NodeId[]): Target[] | 'none' | undefined {
    const length = Math.max(LEAST_APART, (this.consensus?.params.directoryHops ?? 1) - 1);
    const { paths } = this.#parts;
    const { target } = this;
    if (!target) return undefined;
    const least = exitNot === undefined ? LEAST_APART : LEAST_APART + 1;
    if (!paths.possible(least)) return 'none';
    const apart = exitNot === undefined ? [] : [exitNot];
    const path = this.#draw(length, apart, lost) ?? this.#draw(LEAST_APART, apart, lost);
    return path && [...path, target];
  }

  /** The directory sees the exit of each circuit to it, so that is drawn from all: one that is never the guard would in time tell the guards. */
  #draw(length: number, exitNot: NodeId[], without: readonly NodeId[]): Target[] | undefined {
    const { paths } = this.#parts;
    const wish = { length, exitNot, without, kept: true };
    return (length > 1 ? paths.choose({ ...wish, anyExit: true }) : undefined) ?? paths.choose(wish);
  }

  #buildMain(): void {
    const { context } = this.#parts;
    if (this.#stopped || this.#wantedAt === undefined || context.timers.has('directory:main')) return;
    const shown = this.#main !== undefined && this.#main === this.#bootstrap;
    if (this.#main && !shown) return;
    const path = this.#mainPath();
    if (path === 'bootstrap') return void (this.#bootstrap && this.#setMain(this.#bootstrap));
    const stuck = this.#parts.plain && context.now - this.#wantedAt > STUCK_MS;
    if (stuck && !shown && this.#bootstrap) this.#setMain(this.#bootstrap);
    if (!path) return this.#mainIn(this.#backOff.next());
    let circuit: DirectoryCircuit | undefined;
    const handlers: OriginHandlers = {
      open: (origin: Origin) => {
        circuit = new DirectoryCircuit(context, origin, (push) => this.#onPush(push));
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
    this.#mainIn(BUILD_MS);
  }

  #mainIn(delayMs: Millis): void {
    if (this.#stopped || this.#wantedAt === undefined) return;
    this.#parts.context.after('directory:main', delayMs, () => this.#buildMain());
  }

  #setMain(circuit: DirectoryCircuit | undefined): void {
    if (this.#main === circuit) return;
    const { context } = this.#parts;
    // The node may have ceased to be one while this came about.
    if (circuit && this.#wantedAt === undefined) return circuit.origin.end('finished');
    const shown = this.#main !== undefined && this.#main === this.#bootstrap;
    this.#main = circuit;
    this.#backOff.reset();
    context.timers.clear('directory:main');
    this.#parts.onMain(circuit);
    context.changed();
    if (!circuit) {
      if (this.#wantedAt !== undefined) this.#wantedAt = context.now;
      return this.#mainIn(this.#backOff.next());
    }
    // What the node said there in its own name is no longer said on that connection.
    const bootstrap = this.#bootstrap;
    if (!shown || !bootstrap) return;
    context.after('directory:renew', RENEW_MS, () => {
      if (this.#main !== bootstrap) bootstrap.origin.end('finished');
    });
  }

  #listen(circuit: DirectoryCircuit, done: () => void): void {
    circuit.request({ type: 'listen', reply: circuit.reply }, (answer) => {
      if (refusal(answer) === undefined) done();
      else circuit.origin.end('refused');
    });
  }
}

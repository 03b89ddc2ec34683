import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Params } from '#shared/directory/consensus.ts';
import type { Code } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Clock } from './clock.ts';
import type { DirectoryKeys } from './keys.ts';
import type { Logger } from './log.ts';
import { Audits } from './services/audits.ts';
import type { Standing } from './services/compose.ts';
import { ConsensusMaker } from './services/consensus.ts';
import { Circuit, type Circuits } from './services/context.ts';
import { Publish } from './services/descriptors.ts';
import { Desk, type Counters } from './services/desk.ts';
import { EventLog } from './services/events.ts';
import { defaultLimits, type Limits } from './services/limits.ts';
import { ThreadMint, type Mint } from './services/mint.ts';
import { linger } from './services/registry.ts';
import { REFRESH_MS, Routing } from './services/routing.ts';
import { Sweeper } from './services/sweeper.ts';
import { createServices } from './services/table.ts';
import { Spending, TokenKeys } from './services/tokens.ts';
import type { Archive, ConsensusRecord, Live } from './stores/ports.ts';

export type DirectoryOptions = {
  keys: DirectoryKeys;
  live: Live;
  archive: Archive;
  clock: Clock;
  rng: Rng;
  log: Logger;
  circuits: Circuits;
  /** Names this process among those that share the stores. */
  process: string;
  consensusMs: Millis;
  consensusChangeMs: Millis;
  heartbeatTtlMs: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
  epochs: EpochPlan;
  contribution: 'auto' | Params['policy'];
  /** Public keys of the auditors that may ask this process for loops, in hex. */
  auditorKeys: readonly string[];
  maxNodes: number;
  maxDescriptors: number;
  /** In a thread of its own where none is given. */
  mint?: Mint;
  limits?: Partial<Limits>;
  metrics?: Counters;
};

/** The directory behind the hop: every request of every circuit is answered here, and by no exception. */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #limits: Limits;
  readonly #mint: Mint;
  readonly #routing: Routing;
  readonly #consensus: ConsensusMaker;
  readonly #audits: Audits;
  readonly #desk: Desk;
  readonly #sweeper: Sweeper;
  readonly #events: EventLog;
  readonly #circuits = new Map<number, Circuit>();
  #detach: (() => Promise<void>) | undefined;
  #cancelRefresh: (() => void) | undefined;
  #running = false;

  constructor(options: DirectoryOptions) {
    const { keys, live, archive, clock, log, process, heartbeatTtlMs: ttlMs, maxNodes } = options;
    const { consensusMs, consensusChangeMs: changeMs, directoryHops, registrationDelayMs } = options;
    const { epochs, contribution } = options;
    const tokenKeys = new TokenKeys(keys.signing.secret);
    const standing = async (now: Millis): Promise<Standing> => ({
      ...(await this.#audits.standing(now)),
      tokenKey: tokenKeys.of(epochAt(now, epochs)).public,
    });
    this.#options = options;
    this.#mint = options.mint ?? new ThreadMint();
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#events = new EventLog({ process, archive, clock, log });
    this.#routing = new Routing(live, process, (circuit, body) => this.#deliver(circuit, body));
    this.#consensus = new ConsensusMaker({
      ...{ process, keys, live, archive, clock, log, consensusMs, changeMs, directoryHops },
      ...{ registrationDelayMs, epochs, contribution, standing },
      ...{ led: () => this.#events.note('leader') },
      restored: () => this.#routing.refresh(this.#circuits.values()),
    });
    this.#audits = new Audits({
      ...{ live, archive, clock, rng: options.rng, log, epochs, auditorKeys: options.auditorKeys },
      ...{ isOn: contribution !== 'off', leads: () => this.leads },
    });
    const publish = new Publish(archive, options.maxDescriptors);
    this.#sweeper = new Sweeper({ archive, clock, log, publish });
    const services = createServices({
      ...{ live, archive, routing: this.#routing, consensus: this.#consensus, publish },
      ...{ limits: this.#limits, directory: keys.id, ttlMs, maxNodes, epochs },
      ...{ mint: this.#mint, tokenKeys, audits: this.#audits },
      changed: () => this.#consensus.changed(),
    });
    const counters = {
      requestAnswered: (type: string, code: Code, tookMs: Millis) =>
        options.metrics?.requestAnswered(type, code, tookMs),
      refused: (where: string, code: Code) => this.refused(where, code),
    };
    const spending = new Spending({ live, keys: tokenKeys, epochs });
    this.#desk = new Desk({
      ...{ clock, log, limits: this.#limits, services, counters },
      policy: () => this.#consensus.head?.params.policy ?? 'off',
      spend: (token, request, now) => spending.spend(token, request, now),
    });
  }

  /** The latest consensus, once there is one. */
  get consensus(): ConsensusRecord | undefined {
    return this.#consensus.latest;
  }

  /** Whether this process makes the consensus. */
  get leads(): boolean {
    return this.#consensus.leads;
  }

  async start(): Promise<void> {
    const { live, process } = this.#options;
    this.#running = true;
    this.#events.note('started');
    this.#events.start();
    this.#detach = await live.attach(process, (circuit, body) => void this.#deliver(circuit, body));
    this.#refreshLater();
    await this.#sweeper.start();
    await this.#consensus.start();
    await this.#audits.start();
  }

  /** From here on registrations, listens and deposits are left to other processes: `try-later`. The rest goes on. */
  drain(): void {
    this.#desk.draining = true;
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelRefresh?.();
    this.#sweeper.stop();
    await this.#mint.stop();
    await this.#audits.stop();
    await this.#consensus.stop();
    await this.#detach?.().catch((error: unknown) => this.#left(error));
    await Promise.all([...this.#circuits.keys()].map((handle) => this.closed(handle)));
    this.#events.note('stopped');
    await this.#events.stop();
  }

  /** Counts what was turned away, here or by what stands before it. */
  refused(where: string, code: Code): void {
    this.#events.note('refused', code);
    this.#options.metrics?.refused(where, code);
  }

  /** Always answers, and with a coded error when it must; never rejects. */
  request(
    { handle, binding }: { handle: number; binding: Uint8Array },
    body: Uint8Array,
  ): Promise<Uint8Array> {
    return this.#desk.answer(this.#circuit(handle, binding), body);
  }

  /** Whatever led to the circuit leads there no more. */
  async closed(handle: number): Promise<void> {
    const circuit = this.#circuits.get(handle);
    if (!circuit) return;
    this.#circuits.delete(handle);
    circuit.open = false;
    try {
      await this.#routing.removeAll(circuit);
      if (circuit.node !== undefined && this.#running) await this.#linger(circuit.node);
    } catch (error) {
      this.#left(error);
    }
  }

  /** A store that is away forgets by itself what could not be taken back. */
  #left(error: unknown): void {
    this.#options.log.error({ err: error }, 'routes that lead nowhere are left');
  }

  /** Routes end by themselves unless they are added again. */
  #refreshLater(): void {
    this.#cancelRefresh = this.#options.clock.after(REFRESH_MS, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    try {
      await this.#routing.refresh(this.#circuits.values());
    } catch (error) {
      this.#options.log.error({ err: error }, 'routes could not be refreshed');
    }
    if (this.#running) this.#refreshLater();
  }

  #linger(node: NodeId): Promise<void> {
    const { live, clock, heartbeatTtlMs: ttlMs } = this.#options;
    const changed = (): void => {
      if (this.#running) this.#consensus.changed();
    };
    return linger({ live, clock, ttlMs, changed }, node);
  }

  #circuit(handle: number, binding: Uint8Array): Circuit {
    const known = this.#circuits.get(handle);
    if (known) return known;
    const made = new Circuit(handle, binding, this.#limits, this.#options.clock.now());
    this.#circuits.set(handle, made);
    return made;
  }

  #deliver(handle: number, body: Uint8Array): boolean {
    const { circuits, clock, log } = this.#options;
    const circuit = this.#circuits.get(handle);
    if (!circuit) return false;
    if (circuit.pushes.take(clock.now())) return circuits.push(handle, body);
    log.debug('push dropped: too many for one circuit');
    return true;
  }
}

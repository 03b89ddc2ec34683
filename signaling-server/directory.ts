import { decode, encode } from '#shared/bytes/codec.ts';
import {
  requestCodec,
  responseCodec,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Clock } from './clock.ts';
import type { DirectoryKeys } from './keys.ts';
import type { Logger } from './log.ts';
import { ConsensusMaker, KEPT_NODES_MS } from './services/consensus.ts';
import { USABLE_MS } from './services/compose.ts';
import { Circuit, type Circuits, type RequestOf, type Service } from './services/context.ts';
import { Lookup, Publish } from './services/descriptors.ts';
import { Heartbeat } from './services/heartbeat.ts';
import { defaultLimits, type Limits } from './services/limits.ts';
import { Leave, linger, Register } from './services/registry.ts';
import { Routing } from './services/routing.ts';
import { Listen, Signal } from './services/signal.ts';
import type { Archive, ConsensusRecord, Live } from './stores/ports.ts';

export type DirectoryOptions = {
  keys: DirectoryKeys;
  live: Live;
  archive: Archive;
  clock: Clock;
  log: Logger;
  circuits: Circuits;
  /** Names this process among those that share the stores. */
  process: string;
  consensusMs: Millis;
  consensusChangeMs: Millis;
  heartbeatTtlMs: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
  maxNodes: number;
  maxDescriptors: number;
  limits?: Partial<Limits>;
};

type Services = { [K in DirectoryRequest['type']]: Service<K> };

const SWEEP_MS = 60_000;

/** The directory behind the hop: every request of every circuit is answered here, and by no exception. */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #limits: Limits;
  readonly #routing: Routing;
  readonly #consensus: ConsensusMaker;
  readonly #publish: Publish;
  readonly #services: Services;
  readonly #circuits = new Map<number, Circuit>();
  #detach: (() => Promise<void>) | undefined;
  #cancelSweep: (() => void) | undefined;
  #running = false;

  constructor(options: DirectoryOptions) {
    const { keys, live, archive, clock, log, heartbeatTtlMs: ttlMs, maxNodes } = options;
    const { consensusMs, consensusChangeMs: changeMs, directoryHops, registrationDelayMs } = options;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    const routing = new Routing(live, options.process);
    const consensus = new ConsensusMaker({
      ...{ keys, live, archive, clock, log, consensusMs, changeMs, directoryHops, registrationDelayMs },
    });
    const changed = (): void => {
      consensus.changed();
    };
    const registry = { live, archive, routing, directory: keys.id, ttlMs, maxNodes, changed };
    this.#routing = routing;
    this.#consensus = consensus;
    this.#publish = new Publish(archive, options.maxDescriptors);
    this.#services = {
      register: new Register(registry),
      leave: new Leave(registry),
      heartbeat: new Heartbeat({ live, routing, ttlMs }),
      listen: new Listen(routing),
      signal: new Signal(routing),
      publish: this.#publish,
      lookup: new Lookup(archive),
      consensus,
    };
  }

  /** The latest consensus, once there is one. */
  get consensus(): ConsensusRecord | undefined {
    return this.#consensus.latest;
  }

  async start(): Promise<void> {
    const { live, process } = this.#options;
    this.#running = true;
    this.#detach = await live.attach(process, (circuit, body) => this.#deliver(circuit, body));
    await this.#sweep();
    await this.#consensus.start();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelSweep?.();
    await this.#consensus.stop();
    await this.#detach?.();
    await Promise.all([...this.#circuits.keys()].map((handle) => this.closed(handle)));
  }

  /** Always answers, and with a coded error when it must; never rejects. */
  async request(
    { handle, binding }: { handle: number; binding: Uint8Array },
    body: Uint8Array,
  ): Promise<Uint8Array> {
    const circuit = this.#circuit(handle, binding);
    circuit.pending += 1;
    try {
      return encode(responseCodec, await this.#answer(circuit, body));
    } catch (error) {
      return encode(responseCodec, { type: 'error', code: this.#refusal(error) });
    } finally {
      circuit.pending -= 1;
    }
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
      this.#options.log.error({ err: error }, 'the routes of a closed circuit are left');
    }
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

  #answer(circuit: Circuit, body: Uint8Array): Promise<DirectoryResponse> {
    const now = this.#options.clock.now();
    if (circuit.pending > this.#limits.pending) throw new RemoteError('too-many', 'requests under way');
    const request = decode(requestCodec, body);
    const bucket = request.type === 'signal' ? circuit.signals : circuit.requests;
    if (!bucket.take(now)) throw new RemoteError('too-many', 'requests a minute');
    return this.#dispatch(request, circuit, now);
  }

  #dispatch<K extends DirectoryRequest['type']>(
    request: RequestOf<K>,
    circuit: Circuit,
    now: Millis,
  ): Promise<DirectoryResponse> {
    const service = this.#services[request.type as K];
    return service.handle(request, circuit, now);
  }

  #refusal(error: unknown): ReturnType<typeof codeOf> {
    const code = codeOf(error);
    if (error instanceof RemoteError) this.#options.log.debug({ code }, 'request refused');
    else this.#options.log.error({ err: error }, 'request failed');
    return code;
  }

  #deliver(handle: number, body: Uint8Array): boolean {
    const { circuits, clock, log } = this.#options;
    const circuit = this.#circuits.get(handle);
    if (!circuit) return false;
    if (circuit.pushes.take(clock.now())) return circuits.push(handle, body);
    log.debug('signal dropped: too many for one circuit');
    return true;
  }

  async #sweep(): Promise<void> {
    const { archive, clock, log } = this.#options;
    const now = clock.now();
    try {
      await archive.sweep({ now, nodesBefore: now - KEPT_NODES_MS, chainBefore: now - USABLE_MS });
      await this.#publish.count();
    } catch (error) {
      log.error({ err: error }, 'the archive could not be swept');
    }
    if (this.#running) this.#cancelSweep = clock.after(SWEEP_MS, () => void this.#sweep());
  }
}

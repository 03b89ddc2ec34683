import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { DEFAULT_EPOCH_MS, epochPlan } from '#shared/contribution/epochs.ts';
import type { Params } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import { responseCodec } from '#shared/directory/messages.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import type { Handle } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { nodeIdBytes, type CircuitId, type LinkId, type Millis, type NodeId } from '#shared/units.ts';
import type { Clock } from '#server/clock.ts';
import { Directory } from '#server/directory.ts';
import type { DirectoryKeys } from '#server/keys.ts';
import type { Limits } from '#server/services/limits.ts';
import { MemoryLive } from '#server/stores/memory.ts';
import type { Archive } from '#server/stores/ports.ts';
import { directMint } from '#tests/support/direct-mint.ts';
import { silentLog } from '#tests/support/silent-log.ts';
import type { VirtualClock } from '#tests/support/virtual-clock.ts';

/** With audits consensuses come so often that a node hears soon of a new epoch, which may be short. */
const AUDITED_CONSENSUS_MS: Millis = 3_000;

export type SimDirectoryOptions = {
  keys: DirectoryKeys;
  clock: VirtualClock;
  rng: Rng;
  archive: Archive;
  hops: number;
  limits?: Partial<Limits> | undefined;
  contribution?: Params['policy'] | undefined;
  epochMs?: Millis | undefined;
  /** Public key of an auditor. */
  auditor?: Uint8Array | undefined;
  registrationDelayMs?: Millis | undefined;
  /** Is told of all that this directory sees. */
  watch?: Watch | undefined;
};

/** What a directory sees; `from`: the machine at the other end of the connection, whose IP address and port it has. */
export type Sight = { at: Millis; from: string } & (
  | { kind: 'connected' | 'disconnected' | 'fetched' }
  | { kind: 'frame'; sent: boolean; length: number }
  | { kind: 'cell'; sent: boolean; command: number; circuit: CircuitId; used: number }
  | { kind: 'request' | 'answer' | 'push'; circuit: Handle; body: Uint8Array }
);
type Seen = DistributiveOmit<Sight, 'at' | 'from'>;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type Watch = (sight: Sight) => void;

/** One process of the directory: its node, and its services over a store that outlives it. */
export class SimDirectory {
  readonly name = 'directory';
  readonly id: NodeId;
  readonly node: Node;
  readonly driver: Driver;
  readonly live: MemoryLive;
  readonly services: Directory;
  readonly events: NodeEvent[] = [];
  readonly carriers = new Map<LinkId, Carrier>();
  /** What it says to whom, where it does not say the same to everybody; `to`: whose WebSocket it is. */
  lie: (to: string, consensus: Uint8Array) => Uint8Array = (_, consensus) => consensus;
  #receiving = '';
  readonly #watch: Watch | undefined;
  readonly #clock: VirtualClock;
  /** Whose connections these links and circuits are on. */
  readonly #links = new Map<LinkId, string>();
  readonly #circuits = new Map<Handle, string>();
  #lastLink = 0;
  #alive = true;

  constructor(options: SimDirectoryOptions) {
    const { keys, rng, archive, hops, limits = {} } = options;
    // What a process meant to do ends with it.
    const { now, after } = options.clock;
    const clock: Clock = { now, after: (delayMs, task) => after(delayMs, () => this.#alive && task()) };
    const { contribution = 'off', epochMs = DEFAULT_EPOCH_MS, auditor } = options;
    const { id, signing, onion } = keys;
    this.id = id;
    this.#watch = options.watch;
    this.#clock = options.clock;
    const nodeKeys = { id, idBytes: nodeIdBytes(id), secret: signing.secret, onion };
    const signalling = xwingKeypair(rng(32));
    this.node = new Node({
      keys: { ...nodeKeys, signalling },
      rng,
      now: clock.now(),
      role: 'directory',
      trace: options.watch !== undefined,
    });
    const unused = (): void => undefined;
    this.driver = new Driver(this.node, {
      now: clock.now,
      rng,
      timer: clock.after,
      later: (run) => void clock.after(1, run),
      openWebSocket: unused,
      createPeer: unused,
      signalPeer: unused,
      openPass: unused,
      fetchConsensus: unused,
      send: (link, data) => {
        this.#see(this.#links.get(link), { kind: 'frame', sent: true, length: data.length });
        this.carriers.get(link)?.send(data);
      },
      trace: ({ link, sent, command, circuit, used }) =>
        this.#see(this.#links.get(link), { kind: 'cell', sent, command, circuit, used }),
      closeLink: (link) => {
        this.carriers.get(link)?.close();
        this.carriers.delete(link);
      },
      event: (event) => this.#onEvent(event),
    });
    this.live = new MemoryLive(clock);
    this.services = new Directory({
      keys,
      live: this.live,
      archive,
      clock,
      log: silentLog,
      circuits: {
        push: (circuit, body) => {
          this.#see(this.#circuits.get(circuit), { kind: 'push', circuit, body });
          this.driver.input({ type: 'command', command: { type: 'push', circuit, body } });
          return true;
        },
      },
      process: 'sim',
      consensusMs: auditor ? AUDITED_CONSENSUS_MS : 60_000,
      consensusChangeMs: 500,
      heartbeatTtlMs: 90_000,
      directoryHops: hops,
      registrationDelayMs: options.registrationDelayMs ?? 0,
      epochs: epochPlan(epochMs),
      contribution,
      auditorKeys: auditor ? [hex(auditor)] : [],
      mint: directMint(rng),
      rng,
      maxNodes: 1000,
      maxDescriptors: 1000,
      limits,
    });
  }

  accept(carrier: Carrier, from: string): CarrierEvents {
    this.#lastLink += 1;
    const link = this.#lastLink as LinkId;
    this.carriers.set(link, carrier);
    this.#links.set(link, from);
    this.#see(from, { kind: 'connected' });
    this.driver.input({ type: 'link-accepted', link });
    return {
      message: (data) => {
        this.#receiving = from;
        this.#see(from, { kind: 'frame', sent: false, length: data.length });
        this.driver.input({ type: 'link-data', link, data });
      },
      closed: () => {
        this.carriers.delete(link);
        this.#see(from, { kind: 'disconnected' });
        this.driver.input({ type: 'link-closed', link });
      },
    };
  }

  /** The process dies: nothing is said to anyone. */
  kill(): void {
    this.#alive = false;
    this.driver.stop();
    for (const carrier of this.carriers.values()) carrier.close();
    this.carriers.clear();
  }

  #onEvent(event: NodeEvent): void {
    this.events.push(event);
    if (event.type === 'request') void this.#answer(event, this.#receiving);
    else if (event.type === 'circuit-closed') void this.services.closed(event.circuit);
  }

  async #answer(
    { circuit, stream, binding, body }: Extract<NodeEvent, { type: 'request' }>,
    from: string,
  ): Promise<void> {
    this.#circuits.set(circuit, from);
    this.#see(from, { kind: 'request', circuit, body });
    const answer = this.#said(from, await this.services.request({ handle: circuit, binding }, body));
    this.#see(from, { kind: 'answer', circuit, body: answer });
    this.driver.input({
      type: 'command',
      command: { type: 'respond', circuit, stream, body: answer },
    });
  }

  /** The consensus was fetched by HTTP. */
  fetched(from: string): Uint8Array | undefined {
    const said = this.services.consensus?.bytes;
    this.#see(from, { kind: 'fetched' });
    return said && this.lie(from, said);
  }

  #see(from: string | undefined, sight: Seen): void {
    if (from !== undefined) this.#watch?.({ at: this.#clock.now(), from, ...sight });
  }

  #said(to: string, body: Uint8Array): Uint8Array {
    const answer = decode(responseCodec, body);
    if (answer.type !== 'consensus') return body;
    return encode(responseCodec, { ...answer, bytes: this.lie(to, answer.bytes) });
  }
}

import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { DEFAULT_EPOCH_MS, epochPlan } from '#shared/contribution/epochs.ts';
import type { Params } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import { responseCodec } from '#shared/directory/messages.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { nodeIdBytes, type LinkId, type Millis, type NodeId } from '#shared/units.ts';
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
};

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
    const nodeKeys = { id, idBytes: nodeIdBytes(id), secret: signing.secret, onion };
    const signalling = xwingKeypair(rng(32));
    this.node = new Node({
      keys: { ...nodeKeys, signalling },
      rng,
      now: clock.now(),
      role: 'directory',
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
      fetchConsensus: unused,
      send: (link, data) => this.carriers.get(link)?.send(data),
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
    this.driver.input({ type: 'link-accepted', link });
    return {
      message: (data) => {
        this.#receiving = from;
        this.driver.input({ type: 'link-data', link, data });
      },
      closed: () => {
        this.carriers.delete(link);
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
    const answer = this.#said(from, await this.services.request({ handle: circuit, binding }, body));
    this.driver.input({
      type: 'command',
      command: { type: 'respond', circuit, stream, body: answer },
    });
  }

  #said(to: string, body: Uint8Array): Uint8Array {
    const answer = decode(responseCodec, body);
    if (answer.type !== 'consensus') return body;
    return encode(responseCodec, { ...answer, bytes: this.lie(to, answer.bytes) });
  }
}

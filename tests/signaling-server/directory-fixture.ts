import { decode, encode } from '#shared/bytes/codec.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { dhKeypair } from '#shared/crypto/dh.ts';
import { readConsensus, type Consensus } from '#shared/directory/consensus.ts';
import { signDescriptor } from '#shared/directory/descriptor.ts';
import {
  pushCodec,
  requestCodec,
  responseCodec,
  signHeartbeat,
  signLeave,
  signRegister,
  type DirectoryPush,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { nodeId, type NodeId } from '#shared/units.ts';
import { Directory, type DirectoryOptions } from '#server/directory.ts';
import { DEFAULT_EPOCH_MS, epochAt, epochPlan, type EpochPlan } from '#shared/contribution/epochs.ts';
import type { DirectoryKeys } from '#server/keys.ts';
import { createLog } from '#server/log.ts';
import { MemoryLive } from '#server/stores/memory.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const signing = signKeypair(filled(32, 1));

export const directoryKeys: DirectoryKeys = {
  id: nodeId(signing.public),
  signing,
  onion: dhKeypair(filled(32, 2)),
};

/** One X-Wing key for all: making one is slow, and the directory never uses it. */
const signallingKey = xwingKeypair(filled(32, 3)).public;

/** What a heartbeat is answered with while nothing was audited. */
export const beaten: DirectoryResponse = { type: 'beat', epoch: 0, tested: 0, passed: 0, fault: undefined };

/** A circuit to the directory under test, and the node at its other end. */
export class Client {
  readonly id: NodeId;
  readonly secret: Uint8Array;
  readonly binding: Uint8Array;
  readonly handle: number;
  readonly pushed: DirectoryPush[] = [];
  readonly #fixture: DirectoryFixture;

  constructor(fixture: DirectoryFixture, handle: number, seed: number) {
    const rng = seededRng(filled(32, seed % 256));
    const key = signKeypair(new Uint8Array([...rng(31), seed >>> 8]));
    this.#fixture = fixture;
    this.handle = handle;
    this.id = nodeId(key.public);
    this.secret = key.secret;
    this.binding = filled(32, handle % 251);
  }

  async ask(request: DirectoryRequest): Promise<DirectoryResponse> {
    return this.askRaw(encode(requestCodec, request));
  }

  async askRaw(body: Uint8Array): Promise<DirectoryResponse> {
    return decode(responseCodec, await this.#fixture.directory.request(this, body));
  }

  descriptor(published = this.#fixture.clock.now()): Uint8Array {
    return signDescriptor(this.secret, {
      id: this.id,
      onionKey: filled(32, 9),
      signallingKey,
      capabilities: { headless: false, reachable: true, server: false },
      family: undefined,
      published,
    });
  }

  register(published?: number, work?: number): Promise<DirectoryResponse> {
    return this.ask(signRegister(this.secret, this.binding, this.descriptor(published), work));
  }

  beat(
    counter: number,
    epoch = epochAt(this.#fixture.clock.now(), this.#fixture.epochs),
    commitment?: bigint,
  ): Promise<DirectoryResponse> {
    const beat = { node: this.id, epoch, counter, load: 0, commitment };
    return this.ask(signHeartbeat(this.secret, this.binding, beat));
  }

  leave(counter: number): Promise<DirectoryResponse> {
    return this.ask(signLeave(this.secret, this.binding, { node: this.id, counter }));
  }

  close(): Promise<void> {
    return this.#fixture.directory.closed(this.handle);
  }
}

/** A directory over real stores and a virtual clock. */
export class DirectoryFixture {
  readonly clock: VirtualClock;
  readonly archive: SqliteArchive;
  readonly live: MemoryLive;
  readonly directory: Directory;
  readonly epochs: EpochPlan;
  readonly #first: DirectoryFixture | undefined;
  readonly #clients = new Map<number, Client>();
  readonly #gone = new Set<number>();

  /** `first`: another process of the same directory, which shares clock and stores with this one. */
  constructor(file: string, more: Partial<DirectoryOptions> = {}, now?: number, first?: DirectoryFixture) {
    this.#first = first;
    this.epochs = more.epochs ?? first?.epochs ?? epochPlan(DEFAULT_EPOCH_MS);
    this.clock = first?.clock ?? new VirtualClock(now);
    this.archive = first?.archive ?? new SqliteArchive(file);
    this.live = first?.live ?? new MemoryLive(this.clock);
    this.directory = new Directory({
      keys: directoryKeys,
      live: this.live,
      archive: this.archive,
      clock: this.clock,
      rng: seededRng(filled(32, first ? 2 : 1)),
      log: createLog('silent'),
      circuits: { push: (handle, body) => this.#push(handle, body) },
      process: first ? 'two' : 'one',
      consensusMs: 60_000,
      consensusChangeMs: 2_000,
      heartbeatTtlMs: 90_000,
      directoryHops: 3,
      epochs: this.epochs,
      contribution: 'off',
      auditorKeys: [],
      registrationDelayMs: 100_000,
      maxNodes: 100,
      maxDescriptors: 100,
      ...more,
    });
  }

  /** A new circuit; one seed is one node. */
  client(seed: number): Client {
    const client = new Client(this, this.#clients.size + 1, seed);
    this.#clients.set(client.handle, client);
    return client;
  }

  /** The node underneath knows that a circuit has ended before the directory is told. */
  lose(client: Client): void {
    this.#gone.add(client.handle);
  }

  get bytes(): Uint8Array {
    const record = this.directory.consensus;
    if (!record) throw new Error('there is no consensus');
    return record.bytes;
  }

  /** The latest consensus, verified. */
  get consensus(): Consensus {
    return readConsensus(this.bytes).verify({
      directoryKey: directoryKeys.signing.public,
      now: this.clock.now(),
    });
  }

  get listed(): NodeId[] {
    return this.consensus.nodes.map(({ id }) => id);
  }

  async stop(): Promise<void> {
    await this.directory.stop();
    if (!this.#first) await this.archive.close();
  }

  #push(handle: number, body: Uint8Array): boolean {
    if (this.#gone.has(handle)) return false;
    this.#clients.get(handle)?.pushed.push(decode(pushCodec, body));
    return true;
  }
}

import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Cell } from '#shared/cell/codec.ts';
import type { RelayMessage } from '#shared/cell/relay.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import {
  requestCodec,
  responseCodec,
  type DirectoryPush,
  type DirectoryRequest,
} from '#shared/directory/messages.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { Context, type NodeKeys } from '#shared/node/context.ts';
import { DirectoryCircuit, type Answer } from '#shared/node/directory-circuit.ts';
import type { Input } from '#shared/node/input.ts';
import type { Origin } from '#shared/node/origins.ts';
import { nodeId, type LinkId } from '#shared/units.ts';
import { systemRng } from '#relay/host.ts';
import { LINK_PATH } from '#server/server.ts';
import { RawCircuit, RawPeer } from '#tests/shared/node/raw-peer.ts';

const TICK_MS = 1_000;
const OPEN_MS = 20_000;

/** What one has to know of a directory to make a circuit to it. */
export type DirectoryTarget = { url: string; keys: NodeKeys };

/** Read off the server's consensus. */
export const directoryAt = async (url: string): Promise<DirectoryTarget> => {
  const response = await fetch(`${url}/consensus`);
  if (!response.ok) throw new Error(`the server answered ${String(response.status)}`);
  const { directoryKey, directoryOnionKey } = readConsensus(
    new Uint8Array(await response.arrayBuffer()),
  ).verify({});
  const none = new Uint8Array(32);
  const onion = { public: directoryOnionKey, secret: none };
  const keys = { id: nodeId(directoryKey), idBytes: directoryKey, secret: none, onion, signalling: onion };
  return { url, keys };
};

/** Somebody with a WebSocket link and a one-hop circuit to the directory, and nothing else: it costs a few kB. */
export class DirectoryPeer {
  readonly pushed: DirectoryPush[] = [];
  /** Resolves when the link is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #context = new Context(systemRng, Date.now(), false);
  readonly #peer: RawPeer;
  readonly #circuit: Circuit;
  readonly #timer: NodeJS.Timeout;
  #directory: DirectoryCircuit | undefined;

  private constructor(socket: WebSocket, keys: NodeKeys) {
    this.#socket = socket;
    const bench = {
      rng: systemRng,
      keys,
      faults: [],
      get now() {
        return Date.now();
      },
      input(input: Input) {
        if (input.type === 'link-data' && socket.readyState === socket.OPEN) socket.send(input.data);
      },
      pass: () => undefined,
    };
    this.#peer = new RawPeer(bench, 1 as LinkId);
    this.#circuit = new Circuit(this.#peer, (message) => this.#directory?.receive(1, message));
    this.#peer.circuits.set(this.#circuit.id, this.#circuit);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    socket.on('message', (data: Buffer) => {
      this.#peer.receive(new Uint8Array(data));
      this.#peer.tick();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearInterval(this.#timer);
        this.#directory?.closed('link-lost');
        resolve();
      });
    });
  }

  static async open({ url, keys }: DirectoryTarget): Promise<DirectoryPeer> {
    const socket = new WebSocket(new URL(LINK_PATH, url.replace(/^http/, 'ws')), {
      perMessageDeflate: false,
    });
    await once(socket, 'open', { signal: AbortSignal.timeout(OPEN_MS) });
    const peer = new DirectoryPeer(socket, keys);
    const ready = peer.#circuit.opened();
    peer.#circuit.create();
    await Promise.race([ready, peer.closed]);
    const { binding } = peer;
    const origin = {
      handle: 1,
      hops: 1,
      binding: () => binding,
      send: (_hop: number, { command, data, stream }: RelayMessage) =>
        peer.#circuit.say(command, data, stream),
      end: () => peer.close(),
    } as unknown as Origin;
    peer.#directory = new DirectoryCircuit(peer.#context, origin, (push) => void peer.pushed.push(push));
    return peer;
  }

  get binding(): Uint8Array {
    const { keys } = this.#circuit;
    if (!keys) throw new Error('the circuit is not open');
    return keys.binding;
  }

  /** Answers with the code when there is no answer. */
  ask(request: DirectoryRequest): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.#directory || this.#socket.readyState !== this.#socket.OPEN)
        return resolve({ code: 'link-lost' });
      this.#context.now = Date.now();
      this.#directory.requestRaw(encode(requestCodec, request), (answer) =>
        resolve('code' in answer ? answer : decode(responseCodec, answer.body)),
      );
    });
  }

  close(): void {
    this.#socket.terminate();
  }

  #tick(): void {
    this.#context.now = Date.now();
    this.#context.timers.run(this.#context.now, (run) => run());
    this.#peer.tick();
  }
}

/** Keeps nothing of what it received. */
class Circuit extends RawCircuit {
  readonly #onMessage: (message: RelayMessage) => void;
  #onOpen: (() => void) | undefined;

  constructor(peer: RawPeer, onMessage: (message: RelayMessage) => void) {
    super(peer, peer.newId(), 1);
    this.#onMessage = onMessage;
  }

  opened(): Promise<void> {
    return new Promise((resolve) => {
      this.#onOpen = resolve;
    });
  }

  override receive(cell: Cell): void {
    super.receive(cell);
    this.cells.length = 0;
    if (this.keys) this.#onOpen?.();
    for (const message of this.messages.splice(0)) this.#onMessage(message);
  }
}

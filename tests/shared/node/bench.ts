import { codeOf, type Code } from '#shared/errors.ts';
import { respond } from '#shared/handshake/ntor.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import type { Command, Input } from '#shared/node/input.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeOptions } from '#shared/node/options.ts';
import type { NodeEvent, Output } from '#shared/node/output.ts';
import type { LinkId, Millis } from '#shared/units.ts';
import { RawPeer } from './raw-peer.ts';
import { sham } from './sham.ts';

const STEP_MS = 10;
const START: Millis = 1_800_000_000_000;

export const rngOf = (seed: number): Rng => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, seed);
  return seededRng(bytes);
};

/** One node on a bench: strangers put whatever they like on its links, and time passes when a test says so. */
export class Bench {
  readonly rng: Rng;
  readonly keys: NodeKeys;
  readonly node: Node;
  readonly peers = new Map<LinkId, RawPeer>();
  readonly events: NodeEvent[] = [];
  /** Outputs that no stranger takes. */
  readonly others: Output[] = [];
  /** False: handshakes are left unanswered. */
  answering = true;
  now: Millis = START;
  #jobs: Extract<Output, { type: 'respond' }>[] = [];
  #lastLink = 1_000_000;

  constructor(role: 'node' | 'directory' = 'node', seed = 1, more: Partial<NodeOptions> = {}) {
    this.rng = rngOf(seed);
    this.keys = makeNodeKeys(this.rng);
    this.node = new Node({ keys: this.keys, rng: this.rng, now: this.now, role, ...more });
    if (role === 'node') this.command({ type: 'relay', on: true });
  }

  /** A stranger's link comes in. */
  stranger(): RawPeer {
    this.#lastLink += 1;
    const peer = new RawPeer(this, this.#lastLink as LinkId);
    this.peers.set(peer.link, peer);
    this.input({ type: 'link-accepted', link: peer.link });
    return peer;
  }

  command(command: Command): void {
    this.input({ type: 'command', command });
  }

  input(input: Input): void {
    this.#perform(this.node.receive(input, this.now));
    while (this.answering && this.#jobs.length > 0) this.#answer(this.#jobs.splice(0));
  }

  pass(spanMs: Millis): void {
    for (const end = this.now + spanMs; this.now < end;) {
      this.now += STEP_MS;
      this.input({ type: 'wake' });
      for (const peer of this.peers.values()) peer.tick();
    }
  }

  seen<T extends NodeEvent['type']>(type: T): Extract<NodeEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<NodeEvent, { type: T }> => event.type === type);
  }

  /** What was refused and where, since the last look. */
  refusals(): string[] {
    const found = this.seen('refused').map(({ where, code }) => `${where} ${code}`);
    this.events.length = 0;
    return found;
  }

  get faults(): unknown[] {
    return this.seen('fault').map(({ error }) => error);
  }

  #answer(jobs: Extract<Output, { type: 'respond' }>[]): void {
    for (const { job, task } of jobs) {
      let result: { code: Code } | ReturnType<typeof respond>;
      try {
        result =
          sham(task.onionskin) ??
          respond(this.rng, { id: task.id, onionKeys: task.onionKeys }, task.onionskin);
      } catch (error) {
        result = { code: codeOf(error) };
      }
      this.#perform(this.node.receive({ type: 'responded', job, result }, this.now));
    }
  }

  #perform(outputs: Output[]): void {
    for (const output of outputs) {
      if (output.type === 'event') this.events.push(output.event);
      else if (output.type === 'respond') this.#jobs.push(output);
      else if (output.type === 'send') this.peers.get(output.link)?.receive(output.data);
      else if (output.type === 'close-link') this.#closed(output.link);
      else if (output.type !== 'wake' && output.type !== 'trace') this.others.push(output);
    }
  }

  #closed(link: LinkId): void {
    const peer = this.peers.get(link);
    if (peer) peer.closed = true;
    this.peers.delete(link);
  }
}

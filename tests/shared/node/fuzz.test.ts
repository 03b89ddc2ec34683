import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concat, untext } from '#shared/bytes/bytes.ts';
import { decode } from '#shared/bytes/codec.ts';
import { Assembler } from '#shared/bytes/fragments.ts';
import { decodeCells } from '#shared/cell/codec.ts';
import { cellCommand, relayCommand } from '#shared/cell/commands.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE, CONTACT_HOP, EXIT_HOP, capacity } from '#shared/cell/geometry.ts';
import { decodeRelay } from '#shared/cell/relay.ts';
import { creditCells } from '#shared/circuit/credit-message.ts';
import { Hop } from '#shared/circuit/hop.ts';
import { readConsensus, signConsensus } from '#shared/directory/consensus.ts';
import { readDescriptor } from '#shared/directory/descriptor.ts';
import { pushCodec, requestCodec, responseCodec } from '#shared/directory/messages.ts';
import { decodeExtensions } from '#shared/handshake/extensions.ts';
import { respond } from '#shared/handshake/ntor.ts';
import { decodeKeepalive } from '#shared/link/keepalive.ts';
import { SealedCells } from '#shared/link/sealed-cells.ts';
import { LinkMachine } from '#shared/link/machine.ts';
import { decodeAddress } from '#shared/rendezvous/address.ts';
import { readInboxOpen } from '#shared/rendezvous/inbox.ts';
import { decodeTicket } from '#shared/rendezvous/ticket.ts';
import { ReplayCache } from '#shared/signal/replays.ts';
import { openAnswer, openOffer } from '#shared/signal/seal.ts';
import { anySessionCodec } from '#shared/signal/session.ts';
import type { CircuitId, StreamId } from '#shared/units.ts';
import { runs } from '#tests/support/runs.ts';
import { expectOnlyRefusals } from '#tests/support/refusal.ts';
import { consensusOf, directoryKeys, listedNodes, NOW, realNode } from '#tests/support/sample-network.ts';
import { Bench, rngOf } from './bench.ts';
import { anyCell, anyRelay, anyTicket, Chance, validMessages } from './frames.ts';
import type { RawCircuit, RawPeer } from './raw-peer.ts';

const valid = validMessages();
const none = new Uint8Array(0);
/** The last epoch whose scores are fixed. */
const PROVED = NOW / 3_600_000 - 1;

// A million refusals need no stack traces.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

const { seed, numRuns } = runs(20_000);

/** Random bytes, cells, or something valid with a little changed. */
const anyFrame = (chance: Chance): Uint8Array => {
  switch (chance.below(4)) {
    case 0:
      return chance.bytes(chance.pick([0, 1, 17, 64, CELL_LENGTH, chance.below(2500)]));
    case 1:
      return concat(...Array.from({ length: 1 + chance.below(2) }, () => anyCell(chance, [1 as CircuitId])));
    default:
      return chance.mutate(chance.pick(valid));
  }
};

/** Of the machine's time, ms. */
const timeout = 5 * numRuns;

describe('decoders', () => {
  const node = realNode('fuzz');
  const keys = { id: node.descriptor.id, signalling: [node.signalling] };
  const own = { id: node.keys.public, onionKeys: [{ secret: new Uint8Array(32).fill(8), public: none }] };
  const binding = new Uint8Array(32);
  const pass = { secret: binding, meeting: new Uint8Array(16) };
  const pending = {
    answerId: new Uint8Array(16),
    to: node.descriptor.id,
    key: binding,
    offerHash: binding,
    pass,
  };
  const sealing = { send: binding, receive: binding };

  const cheap: ((bytes: Uint8Array) => unknown)[] = [
    decodeCells,
    decodeRelay,
    decodeExtensions,
    decodeKeepalive,
    creditCells,
    (bytes) => decode(requestCodec, bytes),
    (bytes) => decode(responseCodec, bytes),
    (bytes) => decode(pushCodec, bytes),
    (bytes) => decode(anySessionCodec, bytes),
    decodeTicket,
    readDescriptor,
    readConsensus,
    (bytes) => new Assembler(1000).push(bytes),
    (bytes) => decodeAddress(untext(bytes)),
    (bytes) => openAnswer(pending, bytes),
    (bytes) => new SealedCells(sealing).open(bytes),
  ];
  /** Those that compute with keys, for one frame in a hundred. */
  const dear: ((bytes: Uint8Array) => unknown)[] = [
    (bytes) => new LinkMachine({ opener: true, rng: rngOf(1), now: NOW }).receive(bytes, NOW),
    (bytes) => readDescriptor(bytes).verify({ now: NOW }),
    (bytes) => readConsensus(bytes).verify({ now: NOW }),
    (bytes) => readInboxOpen(bytes, binding),
    (bytes) => openOffer(keys, bytes, NOW, new ReplayCache()),
    (bytes) => respond(rngOf(2), own, bytes),
    (bytes) => new Hop({ forward: binding, backward: binding, binding }, 2).open(cellCommand.RELAY, bytes),
  ];

  it(`refuse ${numRuns} frames by codes alone (seed ${seed})`, { timeout }, () => {
    const chance = new Chance(seed);
    for (let i = 0; i < numRuns; i++) {
      const frame = anyFrame(chance);
      for (const read of cheap) expectOnlyRefusals(read, frame);
      if (i % 100 === 0) for (const read of dear) expectOnlyRefusals(read, frame);
    }
  });
});

/** A node with strangers on it who open circuits of every kind and then send whatever they like. */
class Siege {
  readonly bench: Bench;
  readonly chance: Chance;
  readonly most = { links: 0, circuits: 0, carried: 0, inboxes: 0, waiting: 0, timers: 0, jobs: 0 };
  /** Codes with which the node ended something. */
  readonly codes = new Set<string>();
  #peer!: RawPeer;
  /** Its link ends with the next message that is none. */
  #rough!: RawPeer;
  #circuits: RawCircuit[] = [];
  /** All that is said goes in RELAY_EARLY cells, which a circuit takes few of. */
  #hasty = false;
  #sent: Uint8Array[] = [];

  /** `busy`: an exit of few places that asks for tickets. */
  constructor(role: 'node' | 'directory', seedOf: number, busy: boolean) {
    this.bench = new Bench(role, seedOf, { maxInboxes: busy ? 4 : 256 });
    this.chance = new Chance(seedOf);
    if (busy) {
      const sample = consensusOf(listedNodes(3));
      const params = { ...sample.params, policy: 'enforce' as const };
      const body = signConsensus(directoryKeys.secret, { ...sample, params, contributionEpoch: PROVED });
      this.bench.input({ type: 'consensus', body });
    }
    this.#begin();
  }

  frame(i: number): void {
    const { bench, chance } = this;
    if (this.#peer.closed || i % 100 === 0) this.#begin();
    if (this.#rough.closed) this.#rough = this.#stranger();
    if (chance.below(3) === 0) this.#say();
    else if (chance.below(2) === 0) this.#peer.raw(this.#cells());
    else this.#rough.raw(this.#roughly());
    if (i % 16 === 0) this.#elsewhere();
    if (i % 100 === 0) bench.pass(20);
    if (bench.node.sizes.carried > 500) bench.pass(6000);
    this.#note();
  }

  /** All strangers go. */
  end(): void {
    for (const link of [...this.bench.peers.keys()]) this.bench.input({ type: 'link-closed', link });
    this.bench.peers.clear();
    // As long as a proof may be checked.
    this.bench.pass(11_000);
  }

  #note(): void {
    const { bench, most } = this;
    const { sizes } = bench.node;
    for (const key of Object.keys(sizes) as (keyof typeof sizes)[])
      most[key] = Math.max(most[key], sizes[key]);
    for (const event of bench.events) {
      if (event.type === 'fault') throw event.error;
      if (event.type === 'refused') this.codes.add(`${event.where} ${event.code}`);
    }
    bench.events.length = 0;
    bench.others.length = 0;
  }

  #stranger(): RawPeer {
    const { bench } = this;
    const peer = bench.stranger();
    // From here on its counts mean nothing.
    peer.flood([]);
    if (bench.peers.size > 6) {
      const [oldest = peer.link] = bench.peers.keys();
      bench.input({ type: 'link-closed', link: oldest });
      bench.peers.delete(oldest);
    }
    return peer;
  }

  #begin(): void {
    this.#rough = this.#stranger();
    const peer = this.#stranger();
    this.#peer = peer;
    const [owner, caller] = [peer.circuit(EXIT_HOP).sham(), peer.circuit(CONTACT_HOP - 1).sham()];
    this.#circuits = [owner, caller, peer.circuit(1).sham(), peer.circuit(2).sham(), peer.circuit(3)];
    const tag = owner.inbox(undefined, () => anyTicket(this.chance, PROVED));
    caller.sayAll(relayCommand.JOIN, concat(tag, new Uint8Array(1249)));
    const stream = owner.of(relayCommand.INCOMING)[0]?.stream ?? 1;
    if (this.chance.below(2) === 0) owner.sayAll(relayCommand.ACCEPT, new Uint8Array(1136), stream);
    this.#sent = [];
    this.#hasty = this.chance.below(4) === 0;
  }

  /** Whole cells, mostly under ids that are there. */
  #cells(): Uint8Array {
    const { chance } = this;
    const ids = chance.below(6) === 0 ? this.#circuits.map(({ id }) => id) : [];
    const count = chance.below(20) === 0 ? CELLS_PER_MESSAGE : 1;
    const message = concat(...Array.from({ length: count }, () => anyCell(chance, ids)));
    if (this.#sent.length < 8) this.#sent.push(message);
    return message;
  }

  #roughly(): Uint8Array {
    const { chance } = this;
    return chance.below(2) === 0 || this.#sent.length === 0
      ? anyFrame(chance)
      : chance.mutate(chance.pick(this.#sent));
  }

  /** What passes every layer and says anything. */
  #say(): void {
    const { chance } = this;
    const circuit = chance.pick(this.#circuits);
    if (!circuit.keys || this.#peer.closed) return;
    const early = this.#hasty || chance.below(8) === 0 ? cellCommand.RELAY_EARLY : cellCommand.RELAY;
    if (chance.below(4) === 0) return circuit.pass(chance.bytes(capacity(circuit.position)), early);
    const { command, data, stream } = anyRelay(chance);
    circuit.say(command, data.subarray(0, 1000), stream, early);
  }

  /** What else a driver may report, of things that never were too; and what the directory's services say. */
  #elsewhere(): void {
    const { bench, chance } = this;
    for (const { circuit, stream } of bench.seen('request')) {
      bench.command({ type: 'respond', circuit, stream, body: chance.bytes(chance.below(5000)) });
    }
    const [circuit, link] = [chance.below(500), (2_000_000 + chance.below(100)) as RawPeer['link']];
    bench.command({ type: 'push', circuit, body: chance.bytes(40) });
    bench.command({ type: 'respond', circuit, stream: 1 as StreamId, body: none });
    for (const output of bench.others) {
      if (output.type === 'verify')
        bench.input({ type: 'verified', job: output.job, valid: chance.below(2) === 0 });
    }
    bench.input({ type: 'verified', job: chance.below(1000), valid: true });
    bench.input({ type: 'worked', job: chance.below(1000), work: chance.u32() });
    bench.input({ type: 'ticketed', job: chance.below(1000), presentation: chance.bytes(9) });
    bench.input({ type: 'responded', job: chance.below(1000), result: { code: 'bad-key' } });
    bench.input({ type: 'link-closed', link });
    bench.input({ type: 'link-open', link });
    bench.input({ type: 'consensus', body: anyFrame(chance) });
    bench.input({ type: 'consensus-failed' });
  }
}

/** What the frames ran into, so that they are known to go deep. */
const codes = [
  'circuit bad-early',
  'circuit bad-layer',
  'circuit credit-exceeded',
  'circuit malformed',
  'circuit oversized',
  'circuit refused',
  'circuit unexpected',
  'link malformed',
  // Seldom.
  ...(numRuns > 100_000 ? ['inbox too-many'] : []),
];

describe('node machines', () => {
  it.each([
    ['node', 'quiet'],
    ['node', 'busy'],
    ['directory', 'quiet'],
  ] as const)(
    `(%s, %s) take ${numRuns} frames without a fault or a leak (seed ${seed})`,
    { timeout },
    (role, mood) => {
      const siege = new Siege(role, seed, mood === 'busy');
      for (let i = 0; i < numRuns; i++) siege.frame(i);
      const { most, bench } = siege;
      expect(most.links).toBeLessThanOrEqual(7);
      expect(most.carried).toBeGreaterThan(10);
      expect(most.carried).toBeLessThanOrEqual(520);
      // A circuit under way has at most three deadlines, and a bridge one.
      expect(most.timers).toBeLessThanOrEqual(3 * most.carried + 64);
      expect(most.jobs).toBeLessThanOrEqual(128);
      expect(most.inboxes).toBeLessThanOrEqual(mood === 'busy' ? 4 : 256);
      expect(most.waiting).toBeLessThanOrEqual(64 + 33);
      expect([...siege.codes]).toEqual(expect.arrayContaining(codes));
      siege.end();
      const { timers, ...rest } = bench.node.sizes;
      expect(rest).toEqual({ links: 0, circuits: 0, carried: 0, inboxes: rest.inboxes, waiting: 0, jobs: 0 });
      expect(timers).toBeLessThanOrEqual(3);
      expect(bench.faults).toEqual([]);
    },
  );
});

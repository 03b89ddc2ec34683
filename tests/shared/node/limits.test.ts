import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { fragment } from '#shared/bytes/fragments.ts';
import type { Cell } from '#shared/cell/codec.ts';
import { cellCommand, relayCommand } from '#shared/cell/commands.ts';
import {
  BODY_LENGTH,
  CONTACT_HOP,
  EARLY_CELLS,
  EXIT_HOP,
  capacity,
  dataRoom,
} from '#shared/cell/geometry.ts';
import { MAX_REQUEST_BYTES } from '#shared/directory/messages.ts';
import { Bench } from './bench.ts';
import type { RawCircuit, RawPeer } from './raw-peer.ts';

const none = new Uint8Array(0);
const EXIT = EXIT_HOP;
const CALLER = CONTACT_HOP - 1;

const onBench = (role: 'node' | 'directory' = 'node'): { bench: Bench; peer: RawPeer } => {
  const bench = new Bench(role);
  return { bench, peer: bench.stranger() };
};

/** A circuit that was ended with a code, while another one of the same link goes on. */
const expectEnd = (bad: RawCircuit, code: string): void => {
  const { bench } = bad.peer;
  const other = bad.peer.open();
  bench.pass(100);
  expect(bad.destroyed).toBe(code);
  other.say(relayCommand.PING, new Uint8Array(8));
  bench.pass(100);
  expect(other.of(relayCommand.PONG)).toHaveLength(1);
  expect(bench.faults).toEqual([]);
};

describe('cells that grow a circuit', () => {
  const extension = new Uint8Array(32 + 1249).fill(5);

  it('take no ninth RELAY_EARLY', () => {
    const { peer } = onBench();
    const circuit = peer.open();
    for (let i = 0; i < EARLY_CELLS; i++) circuit.say(relayCommand.DROP, none, 0, cellCommand.RELAY_EARLY);
    expect(circuit.destroyed).toBeUndefined();
    circuit.say(relayCommand.DROP, none, 0, cellCommand.RELAY_EARLY);
    expectEnd(circuit, 'bad-early');
  });

  it('take no EXTEND that begins in a plain RELAY', () => {
    const { peer } = onBench();
    const circuit = peer.open();
    circuit.sayAll(relayCommand.EXTEND, extension);
    expectEnd(circuit, 'bad-early');
  });

  it('refuse an EXTEND to a node that nobody knows, and stay destroyable', () => {
    const { bench, peer } = onBench();
    const circuit = peer.open();
    circuit.sayAll(relayCommand.EXTEND, extension, 0, cellCommand.RELAY_EARLY);
    bench.pass(5000);
    expect(circuit.refused).toBe('not-found');
    bench.pass(5100);
    expect(circuit.destroyed).toBe('none');
    expect(bench.node.carried).toBe(0);
  });

  it.each([
    ['second EXTEND', relayCommand.EXTEND],
    ['JOIN', relayCommand.JOIN],
  ] as const)('take no %s while one is under way', (_, command) => {
    const { peer } = onBench();
    const circuit = peer.open(CALLER);
    circuit.sayAll(relayCommand.EXTEND, extension, 0, cellCommand.RELAY_EARLY);
    circuit.say(command, fragment(extension, dataRoom(CALLER))[0] ?? none, 0, cellCommand.RELAY_EARLY);
    expectEnd(circuit, 'unexpected');
  });

  it('are not taken by the directory', () => {
    const { peer } = onBench('directory');
    const circuit = peer.open();
    circuit.sayAll(relayCommand.EXTEND, extension, 0, cellCommand.RELAY_EARLY);
    expectEnd(circuit, 'refused');
  });

  it('let nobody stand in a contact’s place', () => {
    const { peer } = onBench();
    const circuit = peer.circuit(CONTACT_HOP);
    circuit.create();
    expectEnd(circuit, 'unexpected');
  });
});

describe('cells of the wrong length', () => {
  it.each([-1, 1, -17, 17])('end the circuit that is %s bytes off', (off) => {
    const { peer } = onBench();
    const circuit = peer.open(2);
    circuit.pass(new Uint8Array(capacity(2) + off));
    expectEnd(circuit, 'malformed');
  });

  it.each([1, 2, CALLER])('open no inbox at hop %s', (position) => {
    const { peer } = onBench();
    const circuit = peer.open(position);
    circuit.inbox();
    expectEnd(circuit, 'unexpected');
  });

  it.each([1, 2, EXIT])('join no inbox at hop %s', (position) => {
    const { bench, peer } = onBench();
    const owner = peer.open(EXIT);
    const tag = owner.inbox();
    const circuit = peer.open(position);
    circuit.sayAll(relayCommand.JOIN, concat(tag, new Uint8Array(1249)));
    expectEnd(circuit, 'unexpected');
    expect(owner.destroyed).toBeUndefined();
    expect(bench.faults).toEqual([]);
  });
});

describe('handshakes', () => {
  it('are given up half done after five seconds', () => {
    const { bench, peer } = onBench();
    const circuit = peer.circuit();
    circuit.send(...circuit.creating().slice(0, 1));
    bench.pass(4900);
    expect(circuit.destroyed).toBeUndefined();
    bench.pass(200);
    expect(circuit.destroyed).toBe('timeout');
    expect(bench.node.carried).toBe(0);
  });

  it('are answered 16 at a time on a link, and 128 in all', () => {
    const { bench, peer } = onBench();
    bench.answering = false;
    const cells = peer.circuit().creating();
    const begin = (stranger: RawPeer, count: number): RawCircuit[] => {
      const tries = Array.from({ length: count }, () => stranger.circuit());
      for (const each of tries) each.send(...cells.map(({ command, body }) => each.cell(command, body)));
      return tries;
    };
    const first = begin(peer, 17);
    const others = Array.from({ length: 7 }, () => begin(bench.stranger(), 16)).flat();
    const last = begin(bench.stranger(), 1);
    bench.pass(500);
    const refused = [...first, ...others, ...last].map(({ destroyed }) => destroyed);
    expect(refused.slice(0, 17)).toEqual([...Array<undefined>(16), 'too-many']);
    expect(refused.slice(17)).toEqual([...Array<undefined>(112), 'too-many']);
  });

  it('leave 4,096 circuits to be carried', () => {
    const { bench, peer } = onBench();
    const part = fragment(new Uint8Array(1249), BODY_LENGTH)[0] ?? none;
    const flood = (stranger: RawPeer, count: number): RawCircuit[] => {
      const tries = Array.from({ length: count }, () => stranger.circuit());
      stranger.flood(tries.map((each) => each.cell(cellCommand.CREATE, part)));
      return tries;
    };
    for (let i = 0; i < 256; i++) flood(bench.stranger(), 16);
    expect(bench.node.carried).toBe(4096);
    const [extra] = flood(peer, 1);
    expect(extra?.destroyed).toBe('too-many');
    bench.pass(6000);
    expect(bench.node.carried).toBe(0);
  });

  it('are refused under an id of the other side’s, and by a tab that is no node', () => {
    const { bench, peer } = onBench();
    const even = peer.circuit();
    Object.assign(even, { id: even.id - 1 });
    peer.circuits.set(even.id, even);
    even.create();
    bench.pass(100);
    expect(even.destroyed).toBe('refused');
    bench.command({ type: 'relay', on: false });
    const circuit = bench.stranger().open();
    bench.pass(100);
    expect(circuit.destroyed).toBe('refused');
  });
});

describe('inboxes', () => {
  it('are four on a circuit', () => {
    const { peer } = onBench();
    const owner = peer.open(EXIT);
    for (let i = 0; i < 4; i++) owner.inbox();
    expect(owner.of(relayCommand.INBOX_OPENED)).toHaveLength(4);
    owner.inbox();
    expectEnd(owner, 'too-many');
  });

  it('take 30 introductions at once, and then one in two seconds', () => {
    const { bench, peer } = onBench();
    const owner = peer.open(EXIT);
    const tag = owner.inbox();
    const call = (): RawCircuit => {
      const caller = peer.open(CALLER);
      caller.sayAll(relayCommand.JOIN, concat(tag, new Uint8Array(1249)));
      bench.pass(10);
      return caller;
    };
    const calls = Array.from({ length: 31 }, call);
    expect(calls.map(({ refused }) => refused)).toEqual([...Array<undefined>(30), 'too-many']);
    bench.pass(2000);
    expect(call().refused).toBeUndefined();
    expect(call().refused).toBe('too-many');
    expect(owner.destroyed).toBeUndefined();
    // Nobody answered: each introduction is given up.
    bench.pass(11_000);
    expect(calls[0]?.refused).toBe('timeout');
    expect(owner.of(relayCommand.END).length).toBe(31);
  });

  it('are told apart from those that are not there, or whose owner is away', () => {
    const { bench, peer } = onBench();
    const owner = peer.open(EXIT);
    const seed = new Uint8Array(32).fill(3);
    const tag = owner.inbox(seed);
    const call = (to: Uint8Array): string | undefined => {
      const caller = peer.open(CALLER);
      caller.sayAll(relayCommand.JOIN, concat(to, new Uint8Array(1249)));
      bench.pass(50);
      return caller.refused;
    };
    expect(call(new Uint8Array(16))).toBe('not-found');
    owner.send(owner.cell(cellCommand.DESTROY, Uint8Array.of(0)));
    expect(call(tag)).toBe('unreachable');
    const again = peer.open(EXIT);
    again.inbox(seed);
    expect(call(tag)).toBeUndefined();
    expect(again.of(relayCommand.INCOMING)).toHaveLength(2);
  });

  it('are opened by who can sign for them on this very circuit', () => {
    const { peer } = onBench();
    const owner = peer.open(EXIT);
    const other = peer.open(EXIT);
    Object.assign(other, { keys: owner.keys });
    other.inbox();
    expectEnd(other, 'bad-signature');
  });
});

describe('the directory', () => {
  it('puts together eight requests of a circuit at once', () => {
    const { peer } = onBench('directory');
    const circuit = peer.open();
    const [first = none] = fragment(new Uint8Array(3000), dataRoom(1));
    for (let stream = 1; stream <= 8; stream++) circuit.say(relayCommand.REQUEST, first, stream);
    expect(circuit.destroyed).toBeUndefined();
    circuit.say(relayCommand.REQUEST, first, 9);
    expectEnd(circuit, 'too-many');
  });

  it('takes no request over its bound', () => {
    const { peer } = onBench('directory');
    const circuit = peer.open();
    const [most] = fragment(new Uint8Array(MAX_REQUEST_BYTES), dataRoom(1));
    circuit.say(relayCommand.REQUEST, most ?? none, 1);
    expect(circuit.destroyed).toBeUndefined();
    const [more] = fragment(new Uint8Array(MAX_REQUEST_BYTES + 1), dataRoom(1));
    circuit.say(relayCommand.REQUEST, more ?? none, 2);
    expectEnd(circuit, 'oversized');
  });

  it('is the only one to take requests', () => {
    const { peer } = onBench();
    const circuit = peer.open();
    circuit.sayAll(relayCommand.REQUEST, none, 1);
    expectEnd(circuit, 'refused');
  });
});

describe('a link', () => {
  it('ends when so many DESTROYs wait on it that its peer cannot be taking any', () => {
    const { bench, peer } = onBench();
    const create = (): Cell => peer.circuit().cell(cellCommand.CREATE, none);
    peer.flood(Array.from({ length: 1000 }, create));
    expect(peer.closed).toBe(false);
    peer.flood(Array.from({ length: 100 }, create));
    expect(peer.closed).toBe(true);
    expect(bench.refusals()).toContain('link queue-full');
    expect([bench.node.carried, bench.node.links.length]).toEqual([0, 0]);
  });
});

import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { relayCommand } from '#shared/cell/commands.ts';
import {
  CELL_LENGTH,
  CONTACT_HOP,
  EXIT_HOP,
  LAYER_OVERHEAD,
  REPLY_LENGTH,
  capacity,
  dataRoom,
} from '#shared/cell/geometry.ts';
import { fragment } from '#shared/bytes/fragments.ts';
import { creditCells, creditMessage } from '#shared/circuit/credit-message.ts';
import { FIRST_WINDOW, WINDOW } from '#shared/circuit/credits.ts';
import { pushCodec } from '#shared/directory/messages.ts';
import { codeOfByte } from '#shared/errors.ts';
import type { StreamId } from '#shared/units.ts';
import { Bench } from './bench.ts';
import type { RawCircuit } from './raw-peer.ts';

const BRIDGED_LENGTH = capacity(CONTACT_HOP) + LAYER_OVERHEAD;
const body = new Uint8Array(BRIDGED_LENGTH).fill(1);

type Bridge = { caller: RawCircuit; stream: number };

/** An inbox's owner on a link of its own, and callers on another. */
class Exit {
  readonly bench = new Bench();
  readonly callers = this.bench.stranger();
  readonly owners = this.bench.stranger();
  readonly owner = this.owners.open(EXIT_HOP);
  readonly #tag = this.owner.inbox();

  bridge(): Bridge {
    const caller = this.callers.open(CONTACT_HOP - 1);
    caller.sayAll(relayCommand.JOIN, concat(this.#tag, new Uint8Array(1249)));
    const stream = this.owner.of(relayCommand.INCOMING).at(-1)?.stream ?? 0;
    this.owner.sayAll(relayCommand.ACCEPT, new Uint8Array(REPLY_LENGTH), stream);
    expect(caller.of(relayCommand.JOINED)).toHaveLength(2);
    return { caller, stream };
  }

  grant(to: RawCircuit, stream: number, cells: number): void {
    const { command, data } = creditMessage(stream as StreamId, cells);
    to.say(command, data, stream);
  }

  pass({ caller }: Bridge, cells: number): void {
    for (let i = 0; i < cells; i++) {
      caller.pass(body);
      if (i % 10 === 9) this.bench.pass(30);
    }
    this.bench.pass(50);
  }

  bridged({ stream }: Bridge): number {
    return this.owner.of(relayCommand.BRIDGED).filter((message) => message.stream === stream).length;
  }

  ended({ stream }: Bridge): string | undefined {
    const end = this.owner.of(relayCommand.END).find((message) => message.stream === stream);
    return end && codeOfByte(end.data[0] ?? 0);
  }
}

describe('a bridge', () => {
  it('carries a first window either way, and more once it is granted', () => {
    const exit = new Exit();
    const bridge = exit.bridge();
    exit.pass(bridge, FIRST_WINDOW);
    exit.grant(exit.owner, bridge.stream, WINDOW);
    expect(bridge.caller.of(relayCommand.CREDIT).map(({ data }) => creditCells(data))).toEqual([WINDOW]);
    exit.pass(bridge, WINDOW);
    expect(exit.bridged(bridge)).toBe(FIRST_WINDOW + WINDOW);
    for (let i = 0; i < FIRST_WINDOW; i++) exit.owner.say(relayCommand.BRIDGED, body, bridge.stream);
    exit.bench.pass(100);
    expect(bridge.caller.cells).toHaveLength(1 + 2 + 1 + FIRST_WINDOW);
    expect(exit.bench.refusals()).toEqual([]);
  });

  it('is held to the rate that the user of its exit set, and loses nothing by that', () => {
    const exit = new Exit();
    const bridge = exit.bridge();
    exit.bench.command({ type: 'relay-rate', bytesPerSecond: 10 * CELL_LENGTH });
    exit.pass(bridge, FIRST_WINDOW);
    exit.bench.pass(1000);
    expect(exit.bridged(bridge)).toBeGreaterThanOrEqual(10);
    expect(exit.bridged(bridge)).toBeLessThanOrEqual(13);
    // What the hop itself says does not wait.
    bridge.caller.say(relayCommand.PING, new Uint8Array(8));
    exit.bench.pass(50);
    expect(bridge.caller.of(relayCommand.PONG)).toHaveLength(1);
    exit.bench.pass(2500);
    expect(exit.bridged(bridge)).toBe(FIRST_WINDOW);
    for (let i = 0; i < FIRST_WINDOW; i++) exit.owner.say(relayCommand.BRIDGED, body, bridge.stream);
    exit.bench.command({ type: 'relay-rate', bytesPerSecond: undefined });
    exit.bench.pass(50);
    expect(bridge.caller.cells).toHaveLength(1 + 2 + 1 + FIRST_WINDOW);
    expect(exit.bench.refusals()).toEqual([]);
  });

  it('ends alone when its caller overruns the credit', () => {
    const exit = new Exit();
    const [bad, good] = [exit.bridge(), exit.bridge()];
    exit.pass(bad, FIRST_WINDOW);
    expect(bad.caller.destroyed).toBeUndefined();
    exit.pass(bad, 1);
    expect(bad.caller.destroyed).toBe('credit-exceeded');
    expect(exit.ended(bad)).toBe('credit-exceeded');
    exit.pass(good, 3);
    expect([exit.bridged(bad), exit.bridged(good)]).toEqual([FIRST_WINDOW, 3]);
    expect(exit.owner.destroyed).toBeUndefined();
    expect(exit.bench.refusals()).toEqual(['circuit credit-exceeded']);
  });

  it('ends alone when its owner overruns the credit, or passes a body of another length', () => {
    const exit = new Exit();
    const [over, long, good] = [exit.bridge(), exit.bridge(), exit.bridge()];
    for (let i = 0; i <= FIRST_WINDOW; i++) exit.owner.say(relayCommand.BRIDGED, body, over.stream);
    exit.owner.say(relayCommand.BRIDGED, new Uint8Array(BRIDGED_LENGTH + 1), long.stream);
    exit.bench.pass(100);
    expect(over.caller.refused).toBe('credit-exceeded');
    expect(long.caller.refused).toBe('malformed');
    exit.pass(good, 2);
    expect(exit.bridged(good)).toBe(2);
    expect(exit.bench.faults).toEqual([]);
  });

  it.each([0, WINDOW])('ends alone when its owner grants %s cells at first', (cells) => {
    const exit = new Exit();
    const [bad, good] = [exit.bridge(), exit.bridge()];
    exit.grant(exit.owner, bad.stream, cells);
    exit.bench.pass(50);
    expect(bad.caller.refused).toBe('credit-exceeded');
    expect(good.caller.refused).toBeUndefined();
    expect(exit.owner.destroyed).toBeUndefined();
  });

  it('takes no RELAY_EARLY', () => {
    const exit = new Exit();
    const bridge = exit.bridge();
    bridge.caller.pass(body, 4);
    exit.bench.pass(50);
    expect(bridge.caller.destroyed).toBe('bad-early');
    expect(exit.ended(bridge)).toBe('bad-early');
    expect(exit.owner.destroyed).toBeUndefined();
  });

  it('is closed, the newest first, when its owner does not keep up', () => {
    const exit = new Exit();
    const bridges = [exit.bridge(), exit.bridge(), exit.bridge()];
    for (const { stream } of bridges) exit.grant(exit.owner, stream, WINDOW - FIRST_WINDOW);
    exit.bench.pass(50);
    // The owner takes nothing any more: its link acknowledges no cell.
    exit.owners.silent = true;
    const [first, second, third] = bridges as [Bridge, Bridge, Bridge];
    exit.pass(first, WINDOW);
    exit.pass(second, 400);
    expect(bridges.map(({ caller }) => caller.refused)).toEqual([undefined, undefined, undefined]);
    exit.pass(second, 112);
    expect(bridges.map(({ caller }) => caller.refused)).toEqual([undefined, 'queue-full', 'queue-full']);
    expect(third.caller.destroyed).toBeUndefined();
    exit.owners.silent = false;
    exit.bench.pass(3000);
    expect(bridges.map((bridge) => exit.ended(bridge))).toEqual([undefined, 'queue-full', 'queue-full']);
    expect(exit.bridged(first)).toBe(WINDOW);
    expect(exit.owner.destroyed).toBeUndefined();
    expect(exit.bench.faults).toEqual([]);
  });
});

describe('a client of the directory', () => {
  it('that grants no credit gets no more than the window', () => {
    const bench = new Bench('directory');
    const peer = bench.stranger();
    const circuit = peer.open();
    circuit.sayAll(relayCommand.REQUEST, new Uint8Array(5), 1);
    const [request] = bench.seen('request');
    const answer = new Uint8Array(900 * dataRoom(1));
    bench.command({ type: 'respond', circuit: request?.circuit ?? 0, stream: 1 as StreamId, body: answer });
    bench.pass(5000);
    expect(circuit.of(relayCommand.RESPONSE)).toHaveLength(WINDOW);
    circuit.say(relayCommand.CREDIT, creditMessage(0 as StreamId, 100).data);
    bench.pass(2000);
    expect(circuit.of(relayCommand.RESPONSE)).toHaveLength(WINDOW + 100);
  });

  it('loses its circuit when ever more waits for it', () => {
    const bench = new Bench('directory');
    const circuit = bench.stranger().open();
    circuit.sayAll(relayCommand.REQUEST, new Uint8Array(5), 1);
    const handle = bench.seen('request')[0]?.circuit ?? 0;
    const push = encode(pushCodec, { type: 'signal', sealed: new Uint8Array(2048) });
    for (let i = 0; i < 2000; i++) {
      bench.command({ type: 'push', circuit: handle, body: push });
      if (i % 10 === 0) bench.pass(10);
    }
    expect(circuit.destroyed).toBe('queue-full');
    expect(bench.seen('circuit-closed')).toHaveLength(1);
    expect(bench.node.carried).toBe(0);
    expect(circuit.of(relayCommand.PUSH).length).toBeLessThanOrEqual(WINDOW);
  });

  it('grants no more than the window', () => {
    const bench = new Bench('directory');
    const circuit = bench.stranger().open();
    circuit.say(relayCommand.CREDIT, creditMessage(0 as StreamId, 1).data);
    bench.pass(50);
    expect(circuit.destroyed).toBe('credit-exceeded');
  });

  it('gets its own credit back by halves', () => {
    const bench = new Bench('directory');
    const circuit = bench.stranger().open();
    for (let i = 0; i < WINDOW; i++) {
      circuit.say(relayCommand.REQUEST, fragment(new Uint8Array(3), dataRoom(1))[0] ?? body, 1 + i);
      if (i % 10 === 0) bench.pass(30);
    }
    bench.pass(100);
    const grants = circuit.of(relayCommand.CREDIT).map(({ data }) => creditCells(data));
    expect(grants).toEqual([WINDOW / 2, WINDOW / 2]);
    expect(bench.seen('request')).toHaveLength(WINDOW);
  });
});

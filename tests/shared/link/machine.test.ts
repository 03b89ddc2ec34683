import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCell } from '#shared/cell/codec.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE } from '#shared/cell/geometry.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { encodeKeepalive, type Keepalive } from '#shared/link/keepalive.ts';
import { type LinkMachine, QUEUE_CAP } from '#shared/link/machine.ts';
import { WINDOW_CEILING, WINDOW_START } from '#shared/link/window.ts';
import type { CircuitId } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { circuit, machine, Pipe, relayCell } from './pipe.ts';

const rng = seededRng(new Uint8Array(32));
const path = { bytesPerMs: 2500, delayMs: 25 };

const keepalive = (fields: Partial<Keepalive>): Uint8Array => {
  const body = encodeKeepalive({ kind: 'ack', received: 0, heldUs: 0, token: 0, ...fields });
  return encodeCell({ circuit: circuit(0), command: cellCommand.KEEPALIVE, body }, rng);
};

const destroy = (id: number) => ({
  circuit: circuit(id),
  command: cellCommand.DESTROY,
  body: Uint8Array.of(0),
});

const cellsIn = (messages: Uint8Array[]): number =>
  messages.reduce((sum, message) => sum + message.length / CELL_LENGTH, 0);

/** The circuits of the cells that a machine lets out, in order. */
const circuitsOf = (messages: Uint8Array[]): number[] => {
  const reader = machine(false);
  return messages.flatMap((message) => reader.receive(message, 0).map((cell) => cell.circuit));
};

const filled = (cells: number): LinkMachine => {
  const link = machine(true);
  for (let n = 0; n < cells; n++) link.enqueue(relayCell(1, n));
  return link;
};

describe('a link machine', () => {
  it('brings every cell over once and in its circuit’s order, whatever the load', () => {
    const load = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 400 })), {
      maxLength: 120,
    });
    fc.assert(
      fc.property(load, (cells) => {
        const pipe = new Pipe(path);
        const expected = new Map<number, number[]>();
        for (const [n, [id, pauseMs]] of cells.entries()) {
          pipe.opener.machine.enqueue(relayCell(id, n));
          pipe.flush(pipe.opener);
          expected.set(id, [...(expected.get(id) ?? []), n]);
          pipe.run(pipe.now + pauseMs / 40);
        }
        pipe.run(pipe.now + 2_000);
        const got = new Map<number, number[]>();
        for (const { circuit: id, body } of pipe.other.cells) {
          const n = new DataView(body.buffer, body.byteOffset).getUint32(0);
          got.set(id, [...(got.get(id) ?? []), n]);
        }
        expect(got).toEqual(expected);
      }),
      runs(40),
    );
  });

  it('joins what is queued into messages of up to 14 cells, and sends a lone cell alone', () => {
    expect(
      filled(1)
        .flush(0)
        .map(({ length }) => length),
    ).toEqual([CELL_LENGTH]);
    const messages = filled(20).flush(0);
    expect(messages.map(({ length }) => length / CELL_LENGTH)).toEqual([CELLS_PER_MESSAGE, 6]);
  });

  it('lets out no more than its window until that is acknowledged', () => {
    const link = filled(200);
    expect(cellsIn(link.flush(0))).toBe(Math.floor(WINDOW_START / CELL_LENGTH));
    expect(link.flush(10)).toEqual([]);
    link.receive(keepalive({ received: 5 }), 50);
    expect(cellsIn(link.flush(50))).toBeGreaterThanOrEqual(5);
  });

  it('acknowledges at once every seven cells, and a lone one after 20 ms', () => {
    const link = machine(false);
    const message = (n: number) => filled(n).flush(0)[0] as Uint8Array;
    link.receive(message(6), 0);
    expect(link.flush(19)).toEqual([]);
    expect(cellsIn(link.flush(20))).toBe(1);
    link.receive(message(7), 30);
    expect(cellsIn(link.flush(30))).toBe(1);
    expect(link.flush(60)).toEqual([]);
  });

  it('takes turns between circuits, so that a long queue delays nobody', () => {
    const link = machine(true);
    for (let n = 0; n < 50; n++) link.enqueue(relayCell(1, n));
    for (const id of [3, 5]) link.enqueue(relayCell(id));
    expect(circuitsOf(link.flush(0)).slice(0, 4)).toEqual([1, 3, 5, 1]);
  });

  it('shares a bottleneck evenly between circuits', () => {
    const pipe = new Pipe(path);
    pipe.feed = ({ machine: link }) => {
      if (link !== pipe.opener.machine) return;
      for (const id of [1, 3, 5, 7]) while (link.queued(circuit(id)) < 100 * id) link.enqueue(relayCell(id));
    };
    pipe.run(3_000);
    const shares = [1, 3, 5, 7].map((id) => pipe.other.cells.filter((cell) => cell.circuit === id).length);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
  });

  it('sends a DESTROY first and drops what its circuit had queued', () => {
    const link = filled(10);
    link.enqueue(relayCell(3));
    link.enqueue(destroy(1));
    expect(link.queued(circuit(1))).toBe(0);
    expect(circuitsOf(link.flush(0))).toEqual([1, 3]);
  });

  it('forgets a dropped circuit', () => {
    const link = filled(10);
    link.drop(circuit(1));
    expect(link.flush(0)).toEqual([]);
  });

  it('gives ids of its side’s parity that are free, and knows the other side’s', () => {
    for (const opener of [true, false]) {
      const link = machine(opener);
      const other = machine(!opener);
      const ids = new Set<CircuitId>();
      for (let n = 0; n < 100; n++) ids.add(link.newCircuitId((id) => ids.has(id)));
      expect(ids.size).toBe(100);
      expect([...ids].every((id) => other.peerMayOpen(id) && !link.peerMayOpen(id) && id > 0)).toBe(true);
    }
    expect(machine(true).peerMayOpen(circuit(0))).toBe(false);
  });
});

describe('the bounds of a link machine', () => {
  it('holds 1,024 cells a circuit', () => {
    const link = filled(QUEUE_CAP);
    expect(link.enqueue(relayCell(1))).toBe(false);
    expect(link.queued(circuit(1))).toBe(QUEUE_CAP);
    expect(link.enqueue(relayCell(3))).toBe(true);
  });

  it('holds 1,024 DESTROYs', () => {
    const link = machine(true);
    for (let n = 0; n < QUEUE_CAP; n++) expect(link.enqueue(destroy(n + 1))).toBe(true);
    expect(link.enqueue(destroy(5000))).toBe(false);
  });

  it('answers a storm of pings with one pong, and no acknowledgement is owed for it', () => {
    const link = machine(false);
    for (let token = 1; token <= 1000; token++) link.receive(keepalive({ kind: 'ping', token }), 0);
    expect(cellsIn(link.flush(0))).toBe(1);
  });

  it('has no more than the ceiling in flight over a path without end', () => {
    const pipe = new Pipe({ bytesPerMs: 1e6, delayMs: 1_000 });
    pipe.feed = ({ machine: link }) => {
      if (link === pipe.opener.machine) while (link.enqueue(relayCell(1)));
    };
    let most = 0;
    for (let n = 0; n < 300; n++) {
      pipe.run(pipe.now + 100);
      most = Math.max(most, pipe.opener.machine.sent - pipe.other.machine.received);
    }
    expect(most * CELL_LENGTH).toBeLessThanOrEqual(WINDOW_CEILING);
    expect(most * CELL_LENGTH).toBeGreaterThan(WINDOW_CEILING / 2);
  });
});

describe('what a link machine refuses', () => {
  it('acknowledgements of cells that were not sent, or fewer than before', () => {
    const link = filled(10);
    link.flush(0);
    expect(refusalOf(() => link.receive(keepalive({ received: 11 }), 1))).toBe('malformed');
    expect(refusalOf(() => link.receive(keepalive({ received: 10 }), 1))).toBeUndefined();
    expect(refusalOf(() => link.receive(keepalive({ received: 9 }), 1))).toBe('malformed');
  });

  it('pongs to no ping, and the same pong twice', () => {
    const link = machine(true);
    expect(refusalOf(() => link.receive(keepalive({ kind: 'pong', token: 1 }), 0))).toBe('malformed');
    link.tick(0);
    link.flush(0);
    expect(refusalOf(() => link.receive(keepalive({ kind: 'pong', token: 1 }), 9))).toBeUndefined();
    expect(link.rttMs).toBe(9);
    expect(refusalOf(() => link.receive(keepalive({ kind: 'pong', token: 1 }), 9))).toBe('malformed');
  });

  it('anything that is no message of cells, by its code alone', () => {
    const mutated = fc.tuple(anyBytes(CELL_LENGTH), fc.nat(6)).map(([bytes, command]) => {
      bytes.fill(0, 0, 4);
      bytes.set([command, 0, 17], 4);
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(anyBytes(0, 3 * CELL_LENGTH), mutated), (bytes) => {
        expectOnlyRefusals((message) => machine(true).receive(message, 0), bytes);
      }),
      runs(300),
    );
  });

  it('is not fooled by a held time longer than the round trip', () => {
    const link = filled(10);
    link.flush(0);
    link.receive(keepalive({ received: 10, heldUs: 1e9 }), 50);
    expect(link.rttMs).toBe(null);
  });
});

describe('whether a link lives', () => {
  it('lives as long as it is answered, at a ping every 3 s', () => {
    const pipe = new Pipe(path);
    pipe.run(60_000);
    expect(pipe.opener.dead || pipe.other.dead).toBe(false);
    // Each side's own pings and its answers to the other's.
    expect(pipe.opener.bytes / CELL_LENGTH).toBeLessThanOrEqual(2 * 21);
  });

  it('is dead after three missed keepalives', () => {
    const pipe = new Pipe(path);
    pipe.run(10_000);
    pipe.cut = true;
    pipe.run(17_000);
    expect(pipe.opener.dead || pipe.other.dead).toBe(false);
    pipe.run(22_000);
    expect(pipe.opener.dead && pipe.other.dead).toBe(true);
  });

  it('survives a freeze of its own page', () => {
    const link = machine(true);
    for (const at of [0, 3_000]) {
      expect(link.tick(at)).toBe('alive');
      link.flush(at);
      link.receive(keepalive({ kind: 'ping', token: 1 + at }), at + 50);
    }
    const thawed = 600_000;
    for (const at of [0, 3_000, 6_000]) expect(link.tick(thawed + at)).toBe('alive');
    link.receive(keepalive({ kind: 'ping', token: 9_999 }), thawed + 6_001);
    expect(link.tick(thawed + 9_000)).toBe('alive');
  });
});

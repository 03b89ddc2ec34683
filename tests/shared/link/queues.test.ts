import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellQueues, Fifo } from '#shared/link/queues.ts';
import { runs } from '#tests/support/runs.ts';
import { circuit } from './pipe.ts';

const cell = (value: number): Uint8Array => Uint8Array.of(value);

describe('a first-in, first-out queue', () => {
  it('is a list of which the head is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 500 }), (steps) => {
        const fifo = new Fifo<number>();
        const list: number[] = [];
        for (const step of steps) {
          if (step === undefined) expect(fifo.shift()).toBe(list.shift());
          else {
            fifo.push(step);
            list.push(step);
          }
          expect([fifo.length, fifo.first]).toEqual([list.length, list[0]]);
        }
      }),
      runs(100),
    );
  });

  it('takes a hundred thousand at constant cost', () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 100_000; i++) fifo.push(i);
    for (let i = 0; i < 100_000; i++) expect(fifo.shift() === i).toBe(true);
    expect(fifo.length).toBe(0);
  });
});

describe('the queues of circuits', () => {
  it('take turns, a newcomer last', () => {
    const queues = new CellQueues(10);
    for (const value of [10, 11, 12]) queues.push(circuit(1), cell(value));
    queues.push(circuit(2), cell(20));
    expect(queues.shift()).toEqual(cell(10));
    queues.push(circuit(3), cell(30));
    const rest = Array.from({ length: 5 }, () => queues.shift()?.[0]);
    expect(rest).toEqual([20, 11, 30, 12, undefined]);
  });

  it('behave like the plainest thing that takes turns', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), id: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ do: fc.constant('shift' as const), id: fc.constant(0) }),
      fc.record({ do: fc.constant('drop' as const), id: fc.integer({ min: 1, max: 6 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queues = new CellQueues(5);
        let ring: { id: number; cells: number[] }[] = [];
        let value = 0;
        for (const { do: what, id } of steps) {
          const own = ring.find((each) => each.id === id);
          if (what === 'push') {
            value = (value + 1) % 256;
            const room = (own?.cells.length ?? 0) < 5;
            expect(queues.push(circuit(id), cell(value))).toBe(room);
            if (!own) ring.push({ id, cells: [value] });
            else if (room) own.cells.push(value);
          } else if (what === 'drop') {
            queues.drop(circuit(id));
            ring = ring.filter((each) => each !== own);
          } else {
            const head = ring.shift();
            expect(queues.shift()?.[0]).toBe(head?.cells.shift());
            if (head && head.cells.length > 0) ring.push(head);
          }
          expect(queues.length).toBe(ring.reduce((sum, { cells }) => sum + cells.length, 0));
        }
      }),
      runs(200),
    );
  });
});

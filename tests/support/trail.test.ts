import { describe, expect, it } from 'vitest';
import { cellCommand } from '#shared/cell/commands.ts';
import type { TraceEvent } from '#shared/node/output.ts';
import { follow, type Traced } from './trail.ts';

/** Cells of one circuit, at one end of a link. */
const cells = (count: number, circuit: number, sent: boolean): TraceEvent[] =>
  Array.from({ length: count }, () => {
    const numbers = { at: 0, link: circuit, circuit, command: cellCommand.RELAY, used: 100 };
    return { ...numbers, peer: undefined, sent } as unknown as TraceEvent;
  });
const node = (name: string | null, ...traces: TraceEvent[][]): Traced => ({
  node: name,
  traces: traces.flat(),
});

describe('following cells', () => {
  it('takes the circuit on which most were sent, and not one that was nearly as busy before', () => {
    const sender = node(null, cells(15, 1, true), cells(20, 2, true));
    const others = [node('asked', cells(15, 1, false)), node('guard', cells(20, 2, false))];
    expect(follow(sender, others)).toEqual([{ from: null, to: 'guard', cells: 20, used: [100] }]);
  });
});

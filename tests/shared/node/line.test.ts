import { describe, expect, it } from 'vitest';
import { Line, type Kind } from '#shared/node/line.ts';

type Entry = { kind: Kind; name: string };

const entry = (kind: Kind, name: string): Entry => ({ kind, name });

/** Takes all that is in the line, in its order. */
const drain = (line: Line<Entry>): string[] => {
  const names: string[] = [];
  for (let { first } = line; first; { first } = line) {
    names.push(first.name);
    line.remove(first);
  }
  return names;
};

describe('a line', () => {
  it('serves proofs before work, and each kind in the order in which it came', () => {
    const line = new Line<Entry>(8);
    for (const name of ['w1', 'w2', 'p1', 'w3', 'p2'])
      expect(line.add(entry(name.startsWith('p') ? 'proof' : 'work', name))).toBeUndefined();
    expect(line.size).toBe(5);
    expect(drain(line)).toEqual(['p1', 'p2', 'w1', 'w2', 'w3']);
    expect(line.first).toBeUndefined();
  });

  it('turns away work when it is full, and the newest work for a proof', () => {
    const line = new Line<Entry>(3);
    for (const name of ['w1', 'w2', 'w3']) line.add(entry('work', name));
    const late = entry('work', 'w4');
    expect(line.add(late)).toBe(late);
    expect(line.add(entry('proof', 'p1'))?.name).toBe('w3');
    expect(line.add(entry('proof', 'p2'))?.name).toBe('w2');
    expect(line.add(entry('proof', 'p3'))?.name).toBe('w1');
    const last = entry('proof', 'p4');
    expect(line.add(last)).toBe(last);
    expect(drain(line)).toEqual(['p1', 'p2', 'p3']);
  });

  it('lets anyone go from its midst', () => {
    const line = new Line<Entry>(3);
    const [a, b, c] = [entry('work', 'a'), entry('work', 'b'), entry('work', 'c')];
    for (const each of [a, b, c]) line.add(each);
    line.remove(b);
    line.remove(b);
    expect(drain(line)).toEqual(['a', 'c']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Schedule } from '#shared/node/schedule.ts';

/** The same by sorting all of it each time. */
class Sorted {
  #entries: { key: number; at: number }[] = [];

  get next(): number {
    return Math.min(Infinity, ...this.#entries.map(({ at }) => at));
  }

  set(key: number, at: number): void {
    this.delete(key);
    this.#entries.push({ key, at });
  }

  delete(key: number): void {
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
  }

  take(now: number): number[] {
    const due = this.#entries.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    for (const { key } of due) this.delete(key);
    return due.map(({ key }) => key);
  }
}

const step = fc.record({
  what: fc.constantFrom('set', 'set', 'set', 'delete', 'take'),
  key: fc.nat(20),
  at: fc.nat(50),
});

describe('a schedule', () => {
  it('gives what sorting gives, whatever is set, moved and deleted', () => {
    const holds = (steps: { what: string; key: number; at: number }[]): void => {
      const [real, plain] = [new Schedule<number>(), new Sorted()];
      for (const { what, key, at } of steps) {
        if (what === 'set') [real, plain].forEach((each) => each.set(key, at));
        else if (what === 'delete') [real, plain].forEach((each) => each.delete(key));
        else expect(real.take(at)).toEqual(plain.take(at));
        expect(real.next).toBe(plain.next);
      }
      expect(real.take(100)).toEqual(plain.take(100));
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 100 }), holds), { seed: 5 });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pick, pooledRng, seededRng, shuffle, uniform, uniformBetween } from '#shared/crypto/rng.ts';
import { hex } from '#shared/bytes/bytes.ts';
import { anyBytes, anyRng } from '#tests/support/arbitrary.ts';
import { misuseOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

describe('pooledRng', () => {
  it('gives as many bytes as are asked for, and none of its source twice', () => {
    const words = fc.array(fc.oneof(fc.nat(16), fc.nat(1000)), { minLength: 20, maxLength: 60 });
    const holds = (asked: number[]): void => {
      let count = 0;
      const rng = pooledRng((length) => {
        const view = new DataView(new ArrayBuffer(length));
        for (let at = 0; at < length; at += 4) view.setUint32(at, ++count);
        return new Uint8Array(view.buffer);
      });
      const seen = new Set<string>();
      for (const length of asked) {
        const out = rng(4 * length);
        expect(out.length).toBe(4 * length);
        for (let at = 0; at < out.length; at += 4) seen.add(hex(out.subarray(at, at + 4)));
      }
      expect(seen.size).toBe(asked.reduce((sum, length) => sum + length, 0));
      expect(seen.has('00000000')).toBe(false);
    };
    fc.assert(fc.property(words, holds), runs(20));
  });
});

describe('seededRng', () => {
  it('gives one stream, however it is cut', () => {
    fc.assert(
      fc.property(anyBytes(32), fc.array(fc.nat(1500), { maxLength: 5 }), (seed, lengths) => {
        const cut = seededRng(seed);
        const parts = lengths.map((length) => hex(cut(length))).join('');
        expect(parts).toBe(hex(seededRng(seed)(lengths.reduce((sum, each) => sum + each, 0))));
      }),
      runs(50),
    );
  });

  it('differs by seed, and does not follow later changes of it', () => {
    const seed = new Uint8Array(32);
    const rng = seededRng(seed);
    const first = hex(seededRng(seed)(8));
    seed[0] = 1;
    expect(hex(rng(8))).toBe(first);
    expect(hex(seededRng(seed)(8))).not.toBe(first);
  });
});

describe('uniform', () => {
  it('stays in its range, also for ranges beyond 32 bits', () => {
    fc.assert(
      fc.property(anyRng, fc.integer({ min: 1, max: 2 ** 48 }), (rng, n) => {
        const value = uniform(rng, n);
        expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
      }),
      runs(300),
    );
  });

  it('throws away what would favour small values', () => {
    const draws = [0xffffffff, 0xfffffffe, 7];
    const rng = () => {
      const out = new Uint8Array(4);
      new DataView(out.buffer).setUint32(0, draws.shift() ?? 0);
      return out;
    };
    // 2^32 − 1 is a multiple of 3: of these draws only the first lies beyond the last whole multiple.
    expect(uniform(rng, 3)).toBe(0xfffffffe % 3);
    expect(draws).toEqual([7]);
  });

  it('comes out even', () => {
    const rng = seededRng(new Uint8Array(32));
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 6000; i++) {
      const value = uniform(rng, 6);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('refuses ranges that it cannot draw from', () => {
    for (const n of [0, -1, 0.5, 2 ** 48 + 1, NaN]) {
      expect(misuseOf(() => uniform((length) => new Uint8Array(length), n))).toBe('internal');
    }
  });
});

describe('uniformBetween', () => {
  it('reaches both ends and nothing beyond', () => {
    const rng = seededRng(new Uint8Array(32));
    const seen = new Set(Array.from({ length: 200 }, () => uniformBetween(rng, 15, 18)));
    expect([...seen].sort()).toEqual([15, 16, 17, 18]);
    expect(uniformBetween(rng, 9, 9)).toBe(9);
  });
});

describe('pick and shuffle', () => {
  it('keep to the list', () => {
    fc.assert(
      fc.property(anyRng, fc.array(fc.nat(), { minLength: 1 }), (rng, list) => {
        const before = [...list];
        expect(list).toContain(pick(rng, list));
        const order = (a: number, b: number) => a - b;
        expect(shuffle(rng, list).sort(order)).toEqual([...list].sort(order));
        expect(list).toEqual(before);
      }),
      runs(100),
    );
  });

  it('give every order of three its share', () => {
    const rng = seededRng(new Uint8Array(32));
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = shuffle(rng, ['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

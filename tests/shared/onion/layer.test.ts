import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellCommand } from '#shared/cell/commands.ts';
import { LAYER_OVERHEAD } from '#shared/cell/geometry.ts';
import { type Direction, type Kind, Opener, Sealer } from '#shared/onion/layer.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { aeadSeal } from '#tests/twin/openssl.ts';
import { twinOpen, twinSeal } from '#tests/twin/layers.ts';

const { RELAY, RELAY_EARLY } = cellCommand;
const key = new Uint8Array(32).fill(5);
const anyKind = fc.constantFrom<Kind>('pass', 'deliver');
const anyDirection = fc.constantFrom<Direction>('forward', 'backward');
const anyCommand = fc.constantFrom(RELAY, RELAY_EARLY);
const anyCells = fc.array(fc.record({ kind: anyKind, command: anyCommand, inner: anyBytes(0, 80) }), {
  minLength: 1,
  maxLength: 8,
});

/** Three sealed cells and an opener that has taken none of them. */
const three = () => {
  const sealer = new Sealer(key, 'forward');
  const sealed = [1, 2, 3].map((n) => sealer.seal('deliver', RELAY, new Uint8Array(20).fill(n)));
  const [first, second, third] = sealed as [Uint8Array, Uint8Array, Uint8Array];
  return { first, second, third, opener: new Opener(key, 'forward') };
};

describe('a layer', () => {
  it('opens what it sealed, in order, and agrees with its twin', () => {
    fc.assert(
      fc.property(anyBytes(32), anyDirection, anyCells, (layerKey, direction, cells) => {
        const [sealer, opener] = [new Sealer(layerKey, direction), new Opener(layerKey, direction)];
        for (const [i, { kind, command, inner }] of cells.entries()) {
          const sealed = sealer.seal(kind, command, inner);
          expect(sealed.length).toBe(inner.length + LAYER_OVERHEAD);
          expect(sealed).toEqual(twinSeal(layerKey, direction, BigInt(i), command, kind, inner));
          expect(twinOpen(layerKey, direction, BigInt(i), command, sealed)).toEqual({ kind, inner });
          expect(opener.open(command, sealed)).toEqual({ kind, inner });
        }
      }),
      runs(60),
    );
  });

  it('carries its count beyond one byte, as its twin does', () => {
    const [sealer, opener] = [new Sealer(key, 'backward'), new Opener(key, 'backward')];
    const inner = new Uint8Array(4);
    for (let i = 0; i < 66_000; i++) {
      const sealed = sealer.seal('pass', RELAY, inner);
      if (i % 256 < 2 || i > 65_530) {
        expect(sealed).toEqual(twinSeal(key, 'backward', BigInt(i), RELAY, 'pass', inner));
      }
      opener.open(RELAY, sealed);
    }
  });

  it('refuses a flipped bit, wherever it is', () => {
    fc.assert(
      fc.property(fc.nat(36), fc.nat(7), (at, bit) => {
        const { first, opener } = three();
        expect(refusalOf(() => opener.open(RELAY, flipped(first, at, bit)))).toBe('bad-layer');
      }),
      runs(100),
    );
  });

  it('refuses a replay', () => {
    const { first, opener } = three();
    opener.open(RELAY, first);
    expect(refusalOf(() => opener.open(RELAY, first))).toBe('bad-layer');
  });

  it('refuses a reorder', () => {
    const { second, opener } = three();
    expect(refusalOf(() => opener.open(RELAY, second))).toBe('bad-layer');
  });

  it('refuses what follows a drop', () => {
    const { first, third, opener } = three();
    opener.open(RELAY, first);
    expect(refusalOf(() => opener.open(RELAY, third))).toBe('bad-layer');
  });

  it('refuses a changed command', () => {
    const { first, opener } = three();
    expect(refusalOf(() => opener.open(RELAY_EARLY, first))).toBe('bad-layer');
  });

  it('refuses the other direction, and another key', () => {
    const { first } = three();
    expect(refusalOf(() => new Opener(key, 'backward').open(RELAY, first))).toBe('bad-layer');
    expect(refusalOf(() => new Opener(flipped(key, 0), 'forward').open(RELAY, first))).toBe('bad-layer');
  });

  it('refuses an unknown kind, even one that is sealed well', () => {
    for (const kind of [2, 255]) {
      const sealed = aeadSeal(
        key,
        new Uint8Array(12),
        new Uint8Array([kind, 1, 2]),
        new Uint8Array([0, RELAY]),
      );
      expect(refusalOf(() => new Opener(key, 'forward').open(RELAY, sealed))).toBe('bad-layer');
    }
  });

  it('refuses a plaintext without a kind, and any bytes', () => {
    const empty = aeadSeal(key, new Uint8Array(12), new Uint8Array(0), new Uint8Array([0, RELAY]));
    expect(refusalOf(() => new Opener(key, 'forward').open(RELAY, empty))).toBe('bad-layer');
    fc.assert(
      fc.property(anyBytes(0, 60), (bytes) => {
        expect(refusalOf(() => new Opener(key, 'forward').open(RELAY, bytes))).toBe('bad-layer');
      }),
      runs(100),
    );
  });

  it('leaves what it seals and opens untouched', () => {
    const [sealer, opener] = [new Sealer(key, 'forward'), new Opener(key, 'forward')];
    const inner = new Uint8Array(30).fill(6);
    const sealed = sealer.seal('pass', RELAY, inner);
    const before = sealed.slice();
    expect(opener.open(RELAY, sealed).inner).toEqual(inner);
    expect(sealed).toEqual(before);
    expect(inner).toEqual(new Uint8Array(30).fill(6));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellCommand } from '#shared/cell/commands.ts';
import { BODY_LENGTH, MAX_HOPS, capacity, usedLength } from '#shared/cell/geometry.ts';
import { type Rng, seededRng } from '#shared/crypto/rng.ts';
import type { Keys } from '#shared/handshake/ntor.ts';
import { Opener, Sealer } from '#shared/onion/layer.ts';
import { OnionStack } from '#shared/onion/stack.ts';
import { anyRng } from '#tests/support/arbitrary.ts';
import { flipped, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { twinOnion } from '#tests/twin/layers.ts';

const { RELAY, RELAY_EARLY } = cellCommand;
type Hop = { keys: Keys; forward: Opener; backward: Sealer };

const circuit = (rng: Rng, length: number): { stack: OnionStack; hops: Hop[] } => {
  const stack = new OnionStack();
  const hops = Array.from({ length }, () => {
    const keys = { forward: rng(32), backward: rng(32), binding: rng(32) };
    stack.add(keys);
    return {
      keys,
      forward: new Opener(keys.forward, 'forward'),
      backward: new Sealer(keys.backward, 'backward'),
    };
  });
  return { stack, hops };
};

/** What `hop` (from 1) says, as it arrives on link 1. */
const sayFrom = (hops: Hop[], hop: number, message: Uint8Array): Uint8Array => {
  let body = hops[hop - 1]?.backward.seal('deliver', RELAY, message) ?? message;
  for (const { backward } of hops.slice(0, hop - 1).reverse()) body = backward.seal('pass', RELAY, body);
  return body;
};

const anyTalk = fc.array(fc.record({ hop: fc.integer({ min: 1, max: MAX_HOPS }), early: fc.boolean() }), {
  minLength: 1,
  maxLength: 10,
});

describe('the stack of layers', () => {
  it('reaches just the hop that is meant, with one length on each link', () => {
    fc.assert(
      fc.property(anyRng, anyTalk, (rng, talk) => {
        const { stack, hops } = circuit(rng, MAX_HOPS);
        for (const { hop, early } of talk) {
          const message = rng(capacity(hop));
          const command = early ? RELAY_EARLY : RELAY;
          let body = stack.sealTo(hop, command, message);
          for (let at = 1; at <= hop; at++) {
            expect(body.length).toBe(usedLength(at));
            const opened = hops[at - 1]?.forward.open(command, body);
            expect(opened?.kind).toBe(at === hop ? 'deliver' : 'pass');
            body = opened?.inner ?? body;
          }
          expect(body).toEqual(message);
        }
      }),
      runs(20),
    );
  });

  it('hears every hop, and knows which', () => {
    fc.assert(
      fc.property(anyRng, anyTalk, (rng, talk) => {
        const { stack, hops } = circuit(rng, MAX_HOPS);
        for (const { hop } of talk) {
          const message = rng(capacity(hop));
          const body = sayFrom(hops, hop, message);
          expect(body.length).toBe(BODY_LENGTH);
          expect(stack.open(body)).toEqual({ hop, message });
        }
      }),
      runs(20),
    );
  });

  it('agrees with its twin', () => {
    fc.assert(
      fc.property(anyRng, anyTalk, (rng, talk) => {
        const { stack, hops } = circuit(rng, MAX_HOPS);
        const counts = hops.map(() => 0n);
        for (const { hop } of talk) {
          const message = rng(capacity(hop));
          const keys = hops.slice(0, hop).map((each) => each.keys.forward);
          expect(stack.sealTo(hop, RELAY, message)).toEqual(twinOnion(keys, counts, RELAY, message));
          for (let at = 0; at < hop; at++) counts[at] = (counts[at] ?? 0n) + 1n;
        }
      }),
      runs(20),
    );
  });

  it('grows while it is in use', () => {
    const rng = seededRng(new Uint8Array(32));
    const { stack, hops } = circuit(rng, 1);
    hops[0]?.forward.open(RELAY, stack.sealTo(1, RELAY, new Uint8Array(capacity(1))));
    const keys = { forward: rng(32), backward: rng(32), binding: rng(32) };
    stack.add(keys);
    expect(stack.length).toBe(2);
    const outer = hops[0]?.forward.open(RELAY, stack.sealTo(2, RELAY, new Uint8Array(capacity(2))));
    expect(outer?.kind).toBe('pass');
    const inner = new Opener(keys.forward, 'forward').open(RELAY, outer?.inner ?? new Uint8Array());
    expect(inner).toEqual({ kind: 'deliver', inner: new Uint8Array(capacity(2)) });
  });

  it('refuses a flipped bit, a replay, a reorder and a drop of what comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.nat(BODY_LENGTH - 1), fc.nat(7), (hop, at, bit) => {
        const { stack, hops } = circuit(seededRng(new Uint8Array(32)), 3);
        const said = sayFrom(hops, hop, new Uint8Array(capacity(hop)));
        expect(refusalOf(() => stack.open(flipped(said, at, bit)))).toBe('bad-layer');
      }),
      runs(40),
    );
    const begun = () => {
      const { stack, hops } = circuit(seededRng(new Uint8Array(32)), 3);
      return { stack, said: [2, 3, 1].map((hop) => sayFrom(hops, hop, new Uint8Array(capacity(hop)))) };
    };
    const take = (order: number[]) => {
      const { stack, said } = begun();
      return order.map((i) => refusalOf(() => stack.open(said[i] ?? new Uint8Array()))).at(-1);
    };
    expect(take([0, 1, 2])).toBeUndefined();
    expect(take([0, 0])).toBe('bad-layer');
    expect(take([1])).toBe('bad-layer');
    expect(take([0, 2])).toBe('bad-layer');
  });

  it('refuses a cell from beyond the last hop', () => {
    const rng = seededRng(new Uint8Array(32));
    const { stack, hops } = circuit(rng, 2);
    let body: Uint8Array = rng(capacity(2));
    for (const { backward } of [...hops].reverse()) body = backward.seal('pass', RELAY, body);
    expect(refusalOf(() => stack.open(body))).toBe('unexpected');
    expect(refusalOf(() => new OnionStack().open(body))).toBe('unexpected');
  });

  it('seals only to a hop that is there, at its capacity', () => {
    const { stack } = circuit(seededRng(new Uint8Array(32)), 2);
    expect(misuseOf(() => stack.sealTo(3, RELAY, new Uint8Array(capacity(3))))).toBe('internal');
    expect(misuseOf(() => stack.sealTo(0, RELAY, new Uint8Array(capacity(0))))).toBe('internal');
    expect(misuseOf(() => stack.sealTo(2, RELAY, new Uint8Array(capacity(1))))).toBe('internal');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { ONIONSKIN_LENGTH, REPLY_LENGTH } from '#shared/cell/geometry.ts';
import { dhKeypair } from '#shared/crypto/dh.ts';
import { type Rng, seededRng } from '#shared/crypto/rng.ts';
import { encodeExtensions } from '#shared/handshake/extensions.ts';
import { finish, respond, start } from '#shared/handshake/ntor.ts';
import { anyBytes, anyRng } from '#tests/support/arbitrary.ts';
import { flipped, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { twinFinish, twinRespond, twinStart } from '#tests/twin/ntor.ts';

const rngOf = (n: number): Rng => seededRng(new Uint8Array(32).fill(n));
const id = new Uint8Array(32).fill(0x11);
const [today, yesterday] = [dhKeypair(rngOf(1)(32)), dhKeypair(rngOf(2)(32))];
const own = { id, onionKeys: [today, yesterday] };
const extensions = encodeExtensions({ hop: 3 });
const begun = start(rngOf(3), { id, onionKey: today.public }, extensions);
const answered = respond(rngOf(4), own, begun.onionskin);

describe('hybrid ntor', () => {
  it('gives both sides the same keys, and the responder the extensions', () => {
    fc.assert(
      fc.property(
        anyRng,
        anyBytes(32),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        (rng, node, old, hop) => {
          const onionKey = (old ? yesterday : today).public;
          const { state, onionskin } = start(rng, { id: node, onionKey }, encodeExtensions({ hop }));
          const {
            keys,
            reply,
            extensions: told,
          } = respond(rng, { id: node, onionKeys: [today, yesterday] }, onionskin);
          expect(onionskin.length).toBe(ONIONSKIN_LENGTH);
          expect(reply.length).toBe(REPLY_LENGTH);
          expect(told).toEqual(encodeExtensions({ hop }));
          expect(finish(state, reply)).toEqual(keys);
          expect(new Set([keys.forward, keys.backward, keys.binding].map(String)).size).toBe(3);
        },
      ),
      runs(10),
    );
  });

  it('agrees with its twin in either role', () => {
    fc.assert(
      fc.property(anyBytes(32), anyBytes(64), anyBytes(32), anyBytes(32), anyRng, (x, kemSeed, b, y, rng) => {
        const onionKey = dhKeypair(b);
        const draws = [x, kemSeed];
        const fixed: Rng = (length) => {
          const draw = draws.shift();
          expect(draw?.length).toBe(length);
          return draw ?? new Uint8Array(length);
        };
        const { state, onionskin } = start(fixed, { id, onionKey: onionKey.public }, extensions);
        const twinState = { ID: id, B: onionKey.public, x, kemSeed, extensions };
        expect(twinStart(twinState)).toEqual(onionskin);

        const ours = respond(rng, { id, onionKeys: [onionKey] }, onionskin);
        expect(twinFinish(twinState, ours.reply)).toEqual(ours.keys);

        const theirs = twinRespond(id, b, y, onionskin);
        expect(theirs?.extensions).toEqual(extensions);
        expect(finish(state, theirs?.reply ?? new Uint8Array())).toEqual(theirs?.keys);
      }),
      runs(10),
    );
  });

  it('answers one onionskin with fresh keys each time', () => {
    const again = respond(rngOf(5), own, begun.onionskin);
    expect(again.keys.forward).not.toEqual(answered.keys.forward);
    expect(again.keys.binding).not.toEqual(answered.keys.binding);
  });

  it('refuses every flipped bit of an onionskin', () => {
    fc.assert(
      fc.property(fc.nat(ONIONSKIN_LENGTH - 1), fc.nat(7), (at, bit) => {
        const changed = flipped(begun.onionskin, at, bit);
        const code = refusalOf(() => respond(rngOf(4), own, changed));
        if (at === 0) expect(code).toBe('bad-version');
        else if (at < 9) expect(code).toBe('bad-key');
        // X25519 takes its top bit for nothing, but the extension key is bound to it.
        else expect(code).toBe('bad-layer');
      }),
      runs(60),
    );
  });

  it('refuses every flipped bit of a reply', () => {
    fc.assert(
      fc.property(fc.nat(REPLY_LENGTH - 1), fc.nat(7), (at, bit) => {
        expect(refusalOf(() => finish(begun.state, flipped(answered.reply, at, bit)))).toBe('bad-confirm');
      }),
      runs(40),
    );
    expect(finish(begun.state, answered.reply)).toEqual(answered.keys);
  });

  it('refuses a responder of another identity or onion key', () => {
    const other = { id: new Uint8Array(32).fill(0x12), onionKeys: own.onionKeys };
    expect(refusalOf(() => respond(rngOf(4), other, begun.onionskin))).toBe('bad-layer');
    expect(refusalOf(() => respond(rngOf(4), { id, onionKeys: [yesterday] }, begun.onionskin))).toBe(
      'bad-key',
    );
    expect(refusalOf(() => respond(rngOf(4), { id, onionKeys: [] }, begun.onionskin))).toBe('bad-key');
    // One that holds the prefix but not the key.
    const posing = concat(today.public.subarray(0, 8), yesterday.public.subarray(8));
    const poser = { id, onionKeys: [{ secret: yesterday.secret, public: posing }] };
    expect(refusalOf(() => respond(rngOf(4), poser, begun.onionskin))).toBe('bad-layer');
  });

  it('refuses the reply to another onionskin', () => {
    const another = start(rngOf(6), { id, onionKey: today.public }, extensions);
    expect(refusalOf(() => finish(another.state, answered.reply))).toBe('bad-confirm');
  });

  it('refuses degenerate keys on both sides', () => {
    const zero = new Uint8Array(32);
    const withX = concat(begun.onionskin.subarray(0, 9), zero, begun.onionskin.subarray(41));
    expect(refusalOf(() => respond(rngOf(4), own, withX))).toBe('bad-key');
    expect(refusalOf(() => finish(begun.state, concat(zero, answered.reply.subarray(32))))).toBe('bad-key');
    expect(refusalOf(() => start(rngOf(3), { id, onionKey: zero }, extensions))).toBe('bad-key');
  });

  it('refuses any bytes', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes(0, 60), anyBytes(ONIONSKIN_LENGTH), anyBytes(REPLY_LENGTH)), (bytes) => {
        const spoken = bytes.slice();
        if (spoken.length > 9) spoken.set([1, ...today.public.subarray(0, 8)]);
        for (const each of [bytes, spoken]) {
          expect(refusalOf(() => respond(rngOf(4), own, each))).toBeDefined();
          expect(refusalOf(() => finish(begun.state, each))).toBeDefined();
        }
      }),
      runs(20),
    );
    for (const length of [ONIONSKIN_LENGTH - 1, ONIONSKIN_LENGTH + 1]) {
      expect(refusalOf(() => respond(rngOf(4), own, new Uint8Array(length)))).toBe('malformed');
    }
    for (const length of [REPLY_LENGTH - 1, REPLY_LENGTH + 1]) {
      expect(refusalOf(() => finish(begun.state, new Uint8Array(length)))).toBe('malformed');
    }
  });

  it('takes extensions of one length only', () => {
    const responder = { id, onionKey: today.public };
    expect(misuseOf(() => start(rngOf(3), responder, new Uint8Array(9)))).toBe('internal');
  });
});

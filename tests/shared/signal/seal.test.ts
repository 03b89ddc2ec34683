import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import { ReplayCache } from '#shared/signal/replays.ts';
import {
  answerIdOf,
  openAnswer,
  openOffer,
  sealAnswer,
  SEALED_LENGTH,
  sealOffer,
  SIGNAL_LIFE_MS,
  type OfferInput,
} from '#shared/signal/seal.ts';
import { MAX_CANDIDATES, type Candidate, type PassSession, type Session } from '#shared/signal/session.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { idOf, NOW, realNode, seed } from '#tests/support/sample-network.ts';
import { anySession, candidate, session } from './sessions.ts';

const alice = realNode('alice');
const bob = realNode('bob');
const rng = seededRng(seed('seal'));
const reply = new Uint8Array(16).fill(4);
const aliceKeys = { id: alice.descriptor.id, secret: alice.keys.secret };
const bobKeys = { id: bob.descriptor.id, secret: bob.keys.secret };
const bobOpens = { id: bob.descriptor.id, signalling: [bob.signalling] };

const offer = (over: Partial<OfferInput> = {}) =>
  sealOffer(rng, {
    to: bob.descriptor.id,
    toKey: bob.signalling.public,
    reply,
    from: aliceKeys,
    now: NOW,
    session: session(),
    ...over,
  });
const open = (sealed: Uint8Array, now = NOW, replays = new ReplayCache()) =>
  openOffer(bobOpens, sealed, now, replays);
const candidatesOf = (session: Session | PassSession): Candidate[] =>
  'key' in session ? [] : session.candidates;
const answering: Session = session({ kind: 'answer', setup: 'active' });

describe('a sealed offer', () => {
  it('reaches its recipient with its sender, or without one', () => {
    fc.assert(
      fc.property(anySession('offer', 8), fc.boolean(), (value, named) => {
        const { sealed } = offer({ session: value, from: named ? aliceKeys : undefined });
        expect(sealed).toHaveLength(SEALED_LENGTH);
        const opened = open(sealed);
        expect(opened.from).toBe(named ? aliceKeys.id : undefined);
        expect(opened.reply).toEqual(reply);
        expect(opened.session).toEqual(value);
      }),
      runs(15),
    );
  });

  it('opens with yesterday`s signalling key too, and with no other', () => {
    const { sealed } = offer();
    const today = xwingKeypair(seed('today'));
    const openWith = (signalling: { secret: Uint8Array }[]) =>
      refusalOf(() => openOffer({ id: bobKeys.id, signalling }, sealed, NOW, new ReplayCache()));
    expect(openWith([today, bob.signalling])).toBeUndefined();
    expect(openWith([today])).toBe('bad-layer');
    expect(openWith([])).toBe('bad-layer');
  });

  it('is refused by a node that it does not name', () => {
    const { sealed } = offer({ to: aliceKeys.id });
    expect(refusalOf(() => open(sealed))).toBe('bad-layer');
  });

  it('is refused with any byte changed', () => {
    const { sealed } = offer();
    fc.assert(
      fc.property(fc.nat(SEALED_LENGTH - 1), (at) => {
        expect(refusalOf(() => open(flipped(sealed, at)))).toBe('bad-layer');
      }),
      runs(25),
    );
    expect(refusalOf(() => open(sealed.slice(1)))).toBe('malformed');
    expect(refusalOf(() => open(new Uint8Array(SEALED_LENGTH)))).toMatch(/bad-(layer|key)/);
  });

  it('is refused under a borrowed name', () => {
    const { sealed } = offer({ from: { id: idOf('carol'), secret: alice.keys.secret } });
    expect(refusalOf(() => open(sealed))).toBe('bad-signature');
  });

  it('is refused when it is no offer', () => {
    expect(refusalOf(() => open(offer({ session: answering }).sealed))).toBe('unexpected');
  });

  it('is taken for two minutes and once', () => {
    const { sealed } = offer();
    expect(refusalOf(() => open(sealed, NOW + SIGNAL_LIFE_MS))).toBeUndefined();
    expect(refusalOf(() => open(sealed, NOW + SIGNAL_LIFE_MS + 1))).toBe('stale');
    expect(refusalOf(() => open(sealed, NOW - SIGNAL_LIFE_MS - 1))).toBe('stale');
    const replays = new ReplayCache();
    expect(refusalOf(() => open(sealed, NOW, replays))).toBeUndefined();
    expect(refusalOf(() => open(sealed, NOW, replays))).toBe('replayed');
    expect(refusalOf(() => open(offer().sealed, NOW, replays))).toBeUndefined();
  });

  it('leaves out the least preferred candidates when not all fit', () => {
    const candidates = Array.from({ length: MAX_CANDIDATES }, (_, i) =>
      candidate({ address: `${'a'.repeat(36)}${String(i % 10)}.local`, priority: i }),
    );
    const opened = open(offer({ session: session({ candidates }) }).sealed);
    const kept = candidatesOf(opened.session).map(({ priority }) => priority);
    expect(kept.length).toBeGreaterThan(8);
    expect(kept.length).toBeLessThan(MAX_CANDIDATES);
    expect(kept).toEqual(candidates.slice(-kept.length).map(({ priority }) => priority));
    const oversized = session({ ufrag: 'u'.repeat(256), pwd: 'p'.repeat(256), candidates });
    expect(candidatesOf(open(offer({ session: oversized }).sealed).session).length).toBeGreaterThan(0);
  });
});

describe('a sealed answer', () => {
  it('comes back to its offer, a session or a refusal, in one size', () => {
    fc.assert(
      fc.property(anySession('answer', MAX_CANDIDATES), (value) => {
        const { sealed, pending } = offer({ from: undefined });
        const { answerKey } = open(sealed);
        const answer = sealAnswer(rng, answerKey, bobKeys, { session: value });
        expect(answer).toHaveLength(SEALED_LENGTH);
        expect(answerIdOf(answer)).toEqual(pending.answerId);
        expect(openAnswer(pending, answer)).toEqual({ session: value });
        const refusal = sealAnswer(rng, answerKey, bobKeys, { refused: 'too-many' });
        expect(refusal).toHaveLength(SEALED_LENGTH);
        expect(openAnswer(pending, refusal)).toEqual({ refused: 'too-many' });
      }),
      runs(10),
    );
  });

  it('is refused changed, from another node, and for another offer', () => {
    const { sealed, pending } = offer();
    const { answerKey } = open(sealed);
    const answer = sealAnswer(rng, answerKey, bobKeys, { session: answering });
    expect(refusalOf(() => openAnswer(pending, flipped(answer, 0)))).toBe('unexpected');
    for (const at of [16, 28, 100, SEALED_LENGTH - 1]) {
      expect(refusalOf(() => openAnswer(pending, flipped(answer, at)))).toBe('bad-layer');
    }
    expect(refusalOf(() => openAnswer(pending, answer.slice(1)))).toBe('malformed');
    const forged = sealAnswer(rng, answerKey, aliceKeys, { session: answering });
    expect(refusalOf(() => openAnswer(pending, forged))).toBe('bad-signature');
    expect(refusalOf(() => openAnswer(offer().pending, answer))).toBe('unexpected');
    const offering = sealAnswer(rng, answerKey, bobKeys, { session: session() });
    expect(refusalOf(() => openAnswer(pending, offering))).toBe('unexpected');
  });

  it('signs the very offer that it answers', () => {
    const { sealed, pending } = offer();
    const { answerKey } = open(sealed);
    const other = sealAnswer(rng, { ...answerKey, offerHash: seed('another offer') }, bobKeys, {
      session: answering,
    });
    expect(refusalOf(() => openAnswer(pending, other))).toBe('bad-signature');
  });
});

describe('the replay cache', () => {
  it('forgets the oldest first, and holds no more than its bound', () => {
    const cache = new ReplayCache(3);
    const nonce = (n: number) => new Uint8Array(16).fill(n);
    expect([1, 2, 3].map((n) => cache.take(nonce(n)))).toEqual([true, true, true]);
    expect(cache.take(nonce(1))).toBe(false);
    expect(cache.take(nonce(4))).toBe(true);
    expect(cache.size).toBe(3);
    expect(cache.take(nonce(2))).toBe(false);
    expect(cache.take(nonce(1))).toBe(true);
  });
});

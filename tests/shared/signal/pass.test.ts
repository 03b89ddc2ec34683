import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, hex, text } from '#shared/bytes/bytes.ts';
import { dh, dhKeypair } from '#shared/crypto/dh.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { passOfAnswerer, passOfDialler } from '#shared/signal/pass.ts';
import { ReplayCache } from '#shared/signal/replays.ts';
import { openAnswer, openOffer, sealAnswer, sealOffer, SEALED_LENGTH } from '#shared/signal/seal.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { NOW, realNode, seed } from '#tests/support/sample-network.ts';

const bob = realNode('bob');
const bobKeys = { id: bob.descriptor.id, secret: bob.keys.secret };
const alice = realNode('alice');
const from = { id: alice.descriptor.id, secret: alice.keys.secret };
const rng = seededRng(seed('pass'));
const reply = new Uint8Array(16).fill(4);

/** Offer and answer as two nodes exchange them, and what each end makes of them. */
const agreed = (x = dhKeypair(rng(32)), y = dhKeypair(rng(32))) => {
  const session = { kind: 'pass-offer', key: x.public } as const;
  const to = { to: bobKeys.id, toKey: bob.signalling.public };
  const { sealed, pending } = sealOffer(rng, { ...to, reply, from, now: NOW, session });
  const opens = { id: bobKeys.id, signalling: [bob.signalling] };
  const opened = openOffer(opens, sealed, NOW, new ReplayCache());
  const answer = sealAnswer(rng, opened.answerKey, bobKeys, {
    session: { kind: 'pass-answer', key: y.public },
  });
  return { x, y, sealed, answer, pending, opened };
};

describe('the keys of a link by way of the server', () => {
  it('are the same at both ends, one for each direction, and others for each link', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const { x, y, sealed, answer, pending, opened } = agreed();
      expect([sealed.length, answer.length]).toEqual([SEALED_LENGTH, SEALED_LENGTH]);
      expect(opened).toMatchObject({ from: from.id, session: { kind: 'pass-offer', key: x.public } });
      expect(openAnswer(pending, answer)).toEqual({ session: { kind: 'pass-answer', key: y.public } });
      const near = passOfDialler(pending, x, y.public);
      const far = passOfAnswerer(opened.answerKey, y, x.public);
      expect(near).toEqual({ meeting: far.meeting, send: far.receive, receive: far.send });
      for (const bytes of [near.meeting, near.send, near.receive]) seen.add(hex(bytes));
      // The server sees the signals: nothing of them names the meeting.
      for (const signal of [sealed, answer]) expect(hex(signal)).not.toContain(hex(near.meeting));
    }
    expect(seen.size).toBe(15);
  });

  it('are those of docs/protocol.md', () => {
    const { x, y, pending } = agreed();
    const secret = concat(dh(y.secret, x.public), pending.pass.secret);
    const info = concat(text('hourglass pass 1'), pending.offerHash, y.public);
    const keys = hkdf(secret, info, 64);
    expect(passOfDialler(pending, x, y.public)).toMatchObject({
      send: keys.subarray(0, 32),
      receive: keys.subarray(32),
    });
  });

  it('depend on the secret of each half and on the offer', () => {
    const { x, y, pending } = agreed();
    const { send } = passOfDialler(pending, x, y.public);
    const changes = [
      passOfDialler(pending, dhKeypair(rng(32)), y.public),
      passOfDialler(pending, x, dhKeypair(rng(32)).public),
      passOfDialler({ ...pending, offerHash: rng(32) }, x, y.public),
      passOfDialler({ ...pending, pass: { ...pending.pass, secret: rng(32) } }, x, y.public),
    ];
    for (const other of changes) expect(other.send).not.toEqual(send);
  });

  it('are made with no key that gives all zeros', () => {
    const { x, pending } = agreed();
    fc.assert(
      fc.property(fc.constantFrom(0, 1), (byte) => {
        const low = new Uint8Array(32);
        low[0] = byte;
        expect(refusalOf(() => passOfDialler(pending, x, low))).toBe('bad-key');
        expect(refusalOf(() => passOfAnswerer(pending, x, low))).toBe('bad-key');
      }),
      runs(4),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text } from '#shared/bytes/bytes.ts';
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal } from '#shared/crypto/hpke.ts';
import { XWING_CIPHERTEXT_LENGTH, xwingKeypair } from '#shared/crypto/kem.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { suite } from '#web/core/conversation/suite.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

const rng = seededRng(seed('hpke'));
const keys = xwingKeypair(seed('reader'));
const binding = { info: text('a label'), ad: text('an address') };

describe('sealing for one reader', () => {
  it('opens for the reader alone, whatever is sealed', () => {
    fc.assert(
      fc.property(anyBytes(0, 300), anyBytes(0, 40), anyBytes(0, 40), (plaintext, info, ad) => {
        const sealed = hpkeSeal(rng, keys.public, plaintext, { info, ad });
        expect(sealed).toHaveLength(plaintext.length + HPKE_OVERHEAD);
        expect(hpkeOpen(keys.secret, sealed, { info, ad })).toEqual(plaintext);
        const other = xwingKeypair(seed('another'));
        expect(refusalOf(() => hpkeOpen(other.secret, sealed, { info, ad }))).toBe('bad-layer');
        const otherInfo = { info: concat(info, Uint8Array.of(0)), ad };
        expect(refusalOf(() => hpkeOpen(keys.secret, sealed, otherInfo))).toBe('bad-layer');
        const otherAd = { info, ad: concat(ad, Uint8Array.of(0)) };
        expect(refusalOf(() => hpkeOpen(keys.secret, sealed, otherAd))).toBe('bad-layer');
      }),
      runs(10),
    );
  });

  it('refuses what was altered anywhere, and what is too short', () => {
    const sealed = hpkeSeal(rng, keys.public, text('hello'), binding);
    for (let at = 0; at < sealed.length; at += 97)
      expect(refusalOf(() => hpkeOpen(keys.secret, flipped(sealed, at), binding))).toBe('bad-layer');
    expect(refusalOf(() => hpkeOpen(keys.secret, sealed.slice(0, -1), binding))).toBe('bad-layer');
    const short = sealed.slice(0, HPKE_OVERHEAD - 1);
    expect(refusalOf(() => hpkeOpen(keys.secret, short, binding))).toBe('malformed');
    expect(refusalOf(() => hpkeSeal(rng, keys.public.slice(1), text('hello'), binding))).toBe('bad-key');
  });

  it('is what another implementation of the suite seals and opens', async () => {
    const { hpke } = await suite();
    const [message, { info, ad }] = [text('across'), binding];
    const theirs = await hpke.seal(await hpke.importPublicKey(keys.public), message, info, ad);
    expect(hpkeOpen(keys.secret, concat(theirs.enc, theirs.ct), binding)).toEqual(message);
    const ours = hpkeSeal(rng, keys.public, message, binding);
    const [enc, ct] = [ours.slice(0, XWING_CIPHERTEXT_LENGTH), ours.slice(XWING_CIPHERTEXT_LENGTH)];
    const secret = await hpke.importPrivateKey(keys.secret);
    expect(new Uint8Array(await hpke.open(secret, enc, ct, info, ad))).toEqual(message);
  });
});

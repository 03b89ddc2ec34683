import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { text } from '#shared/bytes/bytes.ts';
import { FIELD_ORDER } from '#shared/contribution/field.ts';
import { presentation, publicSignals, type Claim } from '#shared/contribution/statement.ts';
import {
  commitmentOf,
  leafOf,
  nullifierOf,
  scopeOf,
  secretFrom,
  signalHashOf,
} from '#shared/contribution/tags.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const claim: Claim = { nullifier: 1n, root: 2n, epoch: 3, scope: 4n, threshold: 5, signalHash: 6n };

describe('public signals', () => {
  it('stand in the order of the statement', () => {
    expect(publicSignals(claim)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  });

  it.each<[string, Partial<Claim>]>([
    ['a nullifier that is not reduced', { nullifier: FIELD_ORDER }],
    ['a nullifier by another name', { nullifier: 1n + FIELD_ORDER }],
    ['a negative root', { root: -1n }],
    ['a root that is not reduced', { root: FIELD_ORDER + 2n }],
    ['a scope that is not reduced', { scope: FIELD_ORDER }],
    ['a negative signal hash', { signalHash: -6n }],
    ['a negative epoch', { epoch: -1 }],
    ['an epoch that is no whole number', { epoch: 0.5 }],
    ['an epoch that is no number', { epoch: Number.NaN }],
    ['a negative threshold', { threshold: -1 }],
    ['a threshold of 2^32', { threshold: 2 ** 32 }],
    ['a text for a scope', { scope: '4' as unknown as bigint }],
    ['no root', { root: undefined as unknown as bigint }],
  ])('there are none with %s', (_, change) => {
    expect(publicSignals({ ...claim, ...change })).toBeUndefined();
  });
});

describe('tags', () => {
  const secret = secretFrom(new Uint8Array(32).fill(7));

  it('one nullifier for each secret, epoch and scope', () => {
    const scopes = [scopeOf(text('tokens')), scopeOf(text('inbox'))];
    const secrets = [secret, secretFrom(new Uint8Array(32).fill(8))];
    const all = secrets.flatMap((each) =>
      [1, 2].flatMap((epoch) => scopes.map((scope) => nullifierOf(each, epoch, scope))),
    );
    expect(new Set(all).size).toBe(8);
    expect(nullifierOf(secret, 1, scopes[0] ?? 0n)).toBe(all[0]);
  });

  it('are told apart', () => {
    const commitment = commitmentOf(secret);
    const all = [
      secret,
      commitment,
      leafOf(commitment, 3),
      leafOf(commitment, 6),
      nullifierOf(secret, 3, 0n),
      scopeOf(text('a')),
      signalHashOf(text('a')),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('stay what they are', () => {
    expect(commitmentOf(1n)).toBe(
      12904301643920570817852482189560530626581279825708068749610327572473501073904n,
    );
    expect(leafOf(1n, 12)).toBe(
      8483385180572108743483342629379429626457025911554090820466126652972966962163n,
    );
    expect(nullifierOf(1n, 2, 3n)).toBe(
      8735229182305743296501398066386713917830754749801999376529530265500263781724n,
    );
  });
});

describe('a presentation', () => {
  const bytes = encode(presentation, { epoch: 3, threshold: 6, nullifier: 1n, proof: new Uint8Array(256) });

  it('reads as it was written', () => {
    expect(bytes).toHaveLength(4 + 1 + 32 + 256);
    expect(encode(presentation, decode(presentation, bytes))).toEqual(bytes);
  });

  it('refuses a nullifier that is not reduced, and whatever else', () => {
    const aliased = bytes.slice();
    aliased.fill(255, 5, 37);
    expect(refusalOf(() => decode(presentation, aliased))).toBe('malformed');
    expect(refusalOf(() => decode(presentation, bytes.subarray(1)))).toBe('malformed');
    fc.assert(
      fc.property(anyBytes(0, 300), (any) => expectOnlyRefusals((all) => decode(presentation, all), any)),
      runs(50),
    );
  });
});

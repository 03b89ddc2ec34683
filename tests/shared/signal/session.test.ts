import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { anySessionCodec, MAX_CANDIDATES, sessionCodec } from '#shared/signal/session.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { anySession, candidate, session } from './sessions.ts';

const again = (value: ReturnType<typeof session>) => decode(sessionCodec, encode(sessionCodec, value));

describe('a session', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anySession('answer', MAX_CANDIDATES), (value) => {
        expect(again(value)).toEqual(value);
      }),
      runs(200),
    );
  });

  it('is told from a key for a link by way of the server', () => {
    const pass = { kind: 'pass-answer', key: new Uint8Array(32).fill(3) } as const;
    const bytes = encode(anySessionCodec, pass);
    expect(bytes).toHaveLength(33);
    expect(decode(anySessionCodec, bytes)).toEqual(pass);
    expect(decode(anySessionCodec, encode(sessionCodec, session()))).toEqual(session());
    expect(refusalOf(() => decode(sessionCodec, bytes))).toBe('malformed');
    expect(refusalOf(() => decode(anySessionCodec, bytes.subarray(1)))).toBe('malformed');
  });

  it('takes the addresses that candidates have', () => {
    for (const address of [
      '10.0.0.1',
      '255.255.255.255',
      '::1',
      'fe80::1ff:fe23:4567:890a',
      '::ffff:192.0.2.1',
      '6a0a0f8e-70c9-4b4f-bd3f-6d5e63a0f5a2.local',
    ]) {
      expect(again(session({ candidates: [candidate({ address })] })).candidates[0]?.address).toBe(address);
    }
  });

  it('refuses what could break out of its line', () => {
    for (const address of [
      '',
      '10.0.0.256',
      '10.0.0.1 typ host',
      '10.0.0.1\r\na=x',
      '10.0.0.1\n',
      'example.com',
      'dead',
      '.local',
      'a b.local',
      'a.local\n',
    ]) {
      const bytes = encode(sessionCodec, session({ candidates: [candidate({ address })] }));
      expect(
        refusalOf(() => decode(sessionCodec, bytes)),
        JSON.stringify(address),
      ).toBe('malformed');
    }
    const long = 'x'.repeat(300);
    for (const change of [
      { ufrag: 'abc' },
      { ufrag: 'ab\r\ncd' },
      { pwd: 'short' },
      { pwd: `${'p'.repeat(22)}\n` },
    ]) {
      const bytes = encode(sessionCodec, session(change));
      expect(
        refusalOf(() => decode(sessionCodec, bytes)),
        JSON.stringify(change),
      ).toBe('malformed');
    }
    expect(() => encode(sessionCodec, session({ ufrag: long }))).toThrow();
  });

  it('takes or refuses any bytes', () => {
    const bytes = encode(sessionCodec, session());
    const read = (b: Uint8Array) => decode(sessionCodec, b);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (at) => expectOnlyRefusals(read, flipped(bytes, at))),
      runs(100),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (b) => expectOnlyRefusals(read, b)),
      runs(200),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import {
  descriptorCodec,
  DESCRIPTOR_LIFE_MS,
  isSelfSigned,
  MAX_DESCRIPTOR_BYTES,
  readDescriptor,
} from '#shared/directory/descriptor.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { NOW, realNode, seed } from '#tests/support/sample-network.ts';

describe('a node descriptor', () => {
  const family = seed('family');
  const node = realNode('ada', { family, capabilities: { headless: true, reachable: false, server: true } });

  it('says back what was signed', () => {
    expect(node.bytes).toHaveLength(MAX_DESCRIPTOR_BYTES);
    expect(node.descriptor).toMatchObject({ family, published: NOW });
    expect(node.descriptor.capabilities).toEqual({ headless: true, reachable: false, server: true });
    expect(encode(descriptorCodec, node.descriptor)).toEqual(node.bytes);
    expect(isSelfSigned(node.descriptor)).toBe(true);
  });

  it('is refused with any byte changed', () => {
    const verify = (bytes: Uint8Array) => refusalOf(() => readDescriptor(bytes).verify({ now: NOW }));
    for (const at of [
      1,
      33,
      65,
      1280,
      1281 + 1 + 5,
      1320,
      1325,
      node.bytes.length - 64,
      node.bytes.length - 1,
    ]) {
      expect(verify(flipped(node.bytes, at)), `byte ${String(at)}`).toMatch(/bad-signature|malformed/);
    }
    expect(verify(flipped(node.bytes, 33))).toBe('bad-signature');
    expect(verify(flipped(node.bytes, 0))).toBe('bad-version');
    expect(verify(node.bytes.slice(0, -1))).toBe('malformed');
  });

  it('is refused when another key signed it', () => {
    const other = realNode('bob');
    const forged = encode(descriptorCodec, { ...node.descriptor, signature: other.descriptor.signature });
    expect(refusalOf(() => readDescriptor(forged).verify({ now: NOW }))).toBe('bad-signature');
    const renamed = realNode('bob', {}).descriptor;
    expect(isSelfSigned({ ...renamed, id: node.descriptor.id })).toBe(false);
    expect(signKeypair(seed('bob')).public).toEqual(other.keys.public);
  });

  it('is refused once its keys are erased, and from the future', () => {
    const at = (now: number) => refusalOf(() => readDescriptor(node.bytes).verify({ now }));
    expect(at(NOW + DESCRIPTOR_LIFE_MS)).toBeUndefined();
    expect(at(NOW + DESCRIPTOR_LIFE_MS + 1)).toBe('stale');
    expect(at(NOW - 600_000)).toBeUndefined();
    expect(at(NOW - 600_001)).toBe('stale');
  });

  it('refuses flags without a name', () => {
    const at = 1 + 32 + 32 + 1216;
    const bytes = node.bytes.slice();
    bytes[at] = 0b1000;
    expect(refusalOf(() => readDescriptor(bytes))).toBe('malformed');
  });

  it('takes or refuses any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => expectOnlyRefusals(readDescriptor, bytes)),
      runs(200),
    );
    fc.assert(
      fc.property(fc.nat(node.bytes.length - 1), fc.nat(255), (at, byte) => {
        const bytes = node.bytes.slice();
        bytes[at] = byte;
        expectOnlyRefusals((b) => decode(descriptorCodec, b), bytes);
      }),
      runs(200),
    );
  });
});

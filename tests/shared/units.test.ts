import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, nodeIdBytes } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

describe('node ids', () => {
  it('round trip between bytes and hex', () => {
    fc.assert(
      fc.property(anyBytes(32), (bytes) => {
        expect(nodeId(bytes)).toMatch(/^[0-9a-f]{64}$/);
        expect(nodeIdBytes(nodeId(bytes))).toEqual(bytes);
      }),
      runs(30),
    );
  });

  it('have 32 bytes', () => {
    for (const length of [0, 31, 33])
      expect(refusalOf(() => nodeId(new Uint8Array(length)))).toBe('malformed');
  });
});

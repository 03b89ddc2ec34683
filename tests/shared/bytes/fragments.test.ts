import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembler, FRAGMENT_HEADER, fragment } from '#shared/bytes/fragments.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const MAX = 4096;
const part = (remaining: number, ...data: number[]): Uint8Array =>
  new Uint8Array([0, 0, remaining >> 8, remaining & 255, ...data]);

describe('fragments', () => {
  it('come together again, one message after another', () => {
    fc.assert(
      fc.property(
        fc.array(anyBytes(0, 300), { maxLength: 4 }),
        fc.integer({ min: 5, max: 80 }),
        (messages, room) => {
          const assembler = new Assembler(MAX);
          for (const message of messages) {
            const parts = fragment(message, room);
            expect(parts.length).toBe(Math.max(1, Math.ceil(message.length / (room - FRAGMENT_HEADER))));
            const got = parts.map((each) => {
              expect(each.length).toBeLessThanOrEqual(room);
              return assembler.push(each);
            });
            expect(got.pop()).toEqual(message);
            expect(got.every((each) => each === undefined)).toBe(true);
            expect(assembler.busy).toBe(false);
          }
        },
      ),
      runs(200),
    );
  });

  it('are refused with a code when they are anything else', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            anyBytes(0, 12),
            anyBytes(0, 6).map((b) => part(b.length + 2, ...b)),
          ),
        ),
        (parts) => {
          const assembler = new Assembler(64);
          for (const each of parts) {
            if (refusalOf(() => assembler.push(each)) !== undefined) return;
          }
        },
      ),
      runs(500),
    );
  });

  it('do not outlive a change of the message under way', () => {
    const begun = (): Assembler => {
      const assembler = new Assembler(MAX);
      assembler.push(part(4, 1, 2));
      return assembler;
    };
    expect(refusalOf(() => begun().push(part(4, 1, 2)))).toBe('malformed');
    expect(refusalOf(() => begun().push(part(1, 3)))).toBe('malformed');
    expect(refusalOf(() => begun().push(part(2)))).toBe('malformed');
    expect(refusalOf(() => begun().push(part(2, 3, 4, 5)))).toBe('malformed');
    expect(begun().push(part(2, 3, 4))).toEqual(new Uint8Array([1, 2, 3, 4]));
  });

  it('are bounded', () => {
    expect(refusalOf(() => new Assembler(9).push(part(10, 1)))).toBe('oversized');
    expect(refusalOf(() => new Assembler(9).push(new Uint8Array(3)))).toBe('malformed');
    expect(misuseOf(() => fragment(new Uint8Array(1), FRAGMENT_HEADER))).toBe('internal');
  });

  it('are copied, so that the cell they came in can go', () => {
    const first = part(2, 1);
    const assembler = new Assembler(MAX);
    assembler.push(first);
    first.fill(9);
    expect(assembler.push(part(1, 2))).toEqual(new Uint8Array([1, 2]));
  });
});

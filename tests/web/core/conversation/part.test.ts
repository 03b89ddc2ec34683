import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partOf } from '#web/core/conversation/part.ts';
import type { Message } from '#web/core/conversation/records.ts';
import { runs } from '#tests/support/runs.ts';

const many = (length: number): Map<string, Message> =>
  new Map(Array.from({ length }, (_, position) => [String(position), { position } as Message]));
const placesOf = (messages: Message[]): number[] => messages.map(({ position }) => position);

it('parts taken one before the other are all messages, each once and in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 90 }), (length, count) => {
      const messages = many(length);
      const taken = placesOf(partOf(messages, { count }));
      expect(taken).toHaveLength(Math.min(count, length));
      while (taken.length > 0 && taken[0] !== 0) {
        const part = placesOf(partOf(messages, { count, before: String(taken[0]) }));
        expect(part.length).toBeGreaterThan(0);
        expect(part.length).toBeLessThanOrEqual(count);
        taken.unshift(...part);
      }
      expect(taken).toEqual(placesOf(partOf(messages)));
    }),
    runs(100),
  );
});

it('without a part, and before a message that is no more, they are all', () => {
  const messages = many(9);
  expect(placesOf(partOf(messages))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(placesOf(partOf(messages, { count: 2, before: 'gone' }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(partOf(messages, { count: 2, before: '0' })).toEqual([]);
});

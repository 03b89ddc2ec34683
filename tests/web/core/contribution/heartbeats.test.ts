import { expect, it } from 'vitest';
import { Heartbeats } from '#web/core/contribution/heartbeats.ts';

it('heartbeats: the last sixty are kept, and the last result of an audit', () => {
  const heartbeats = new Heartbeats();
  const result = { epoch: 5, tested: 0xfff, passed: 0x3ff, fault: 'late' } as const;
  heartbeats.add(0, 'answered', result);
  for (let at = 1; at <= 60; at++) heartbeats.add(at, at % 2 ? 'late' : 'missed', undefined);
  expect(heartbeats.last).toHaveLength(60);
  expect(heartbeats.last[0]).toEqual({ at: 1, outcome: 'late' });
  expect(heartbeats.last.at(-1)).toEqual({ at: 60, outcome: 'missed' });
  expect(heartbeats.result).toBe(result);
  heartbeats.add(61, 'answered', { epoch: 0, tested: 0, passed: 0, fault: undefined });
  expect(heartbeats.result).toBe(result);
});

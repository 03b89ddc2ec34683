import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageState } from '#web/api.ts';
import { emptyMessage, type Message } from '#web/core/conversation/records.ts';
import { entered, MAX_TIMELINE, retried } from '#web/core/conversation/states.ts';
import { runs } from '#tests/support/runs.ts';

const message = (state: MessageState): Message => ({
  ...emptyMessage,
  ...{ id: new Uint8Array(16), conversation: 'c', mine: true, sentAt: 1, position: 0, state },
  timeline: [{ state, at: 0 }],
});

const states = ['queued', 'sending', 'stored', 'failed', 'delivered', 'read'] as const;
const order = (state: MessageState): number => states.indexOf(state);

describe('a message', () => {
  it('never goes back, but for another try of one that failed, whatever it is told', () => {
    const told = fc.oneof(fc.constantFrom(...states), fc.constant('retry' as const));
    fc.assert(
      fc.property(fc.array(told, { maxLength: 100 }), (all) => {
        let now = message('queued');
        for (const [at, each] of all.entries()) {
          const before = now;
          now = each === 'retry' ? retried(now, at) : entered(now, each, at, 'timeout');
          const again = each === 'retry' && before.state === 'failed';
          if (again) expect(now.state).toBe('queued');
          else expect(order(now.state)).toBeGreaterThanOrEqual(order(before.state));
          if (now.state === before.state) expect(now).toBe(before);
          else expect(now.timeline.at(-1)).toEqual({ state: now.state, at });
        }
        expect(now.timeline.length).toBeLessThanOrEqual(MAX_TIMELINE);
      }),
      runs(300),
    );
  });

  it('says why it failed, until it is tried again', () => {
    const failed = entered(message('sending'), 'failed', 5, 'bad-invite');
    expect(failed).toMatchObject({ state: 'failed', reason: 'bad-invite' });
    expect(retried(failed, 6)).toMatchObject({ state: 'queued', reason: undefined });
    expect(entered(failed, 'delivered', 6)).toMatchObject({ state: 'delivered', reason: undefined });
  });
});

import { describe, expect, it } from 'vitest';
import { dayAt, Days } from '#web/core/contribution/days.ts';
import { memoryStore } from '#web/core/store/memory.ts';

const at = (day: number, hour = 12): number => new Date(2026, 10, day, hour).getTime();

describe('days', () => {
  it('count what is new since they were last told, on the local day', async () => {
    const store = memoryStore();
    const days = new Days([]);
    await store.write(days.count(at(1, 23), { circuits: 3, bytes: 300 }));
    await store.write(days.count(at(2, 0), { circuits: 5, bytes: 900 }));
    expect(days.count(at(2, 1), { circuits: 5, bytes: 900 })).toEqual([]);
    const first = { day: '2026-11-01', circuits: 3, bytes: 300 };
    expect(days.last).toEqual([first, { day: dayAt(at(2)), circuits: 2, bytes: 600 }]);
    // The node of the next session counts from nothing.
    const reloaded = new Days(await store.all('contribution'));
    await store.write(reloaded.count(at(2, 9), { circuits: 1, bytes: 50 }));
    expect(reloaded.last).toEqual([first, { day: '2026-11-02', circuits: 3, bytes: 650 }]);
  });

  it('are kept for a fortnight, and no finer than days', async () => {
    const store = memoryStore();
    const days = new Days([]);
    for (let day = 1; day <= 20; day++) await store.write(days.count(at(day), { circuits: day, bytes: day }));
    expect(days.last.map(({ day }) => day)).toEqual(Array.from({ length: 14 }, (_, n) => dayAt(at(7 + n))));
    expect(await store.all('contribution')).toHaveLength(14);
  });
});

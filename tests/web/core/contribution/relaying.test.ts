import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '#shared/node/input.ts';
import type { RelayLimits, Surroundings } from '#web/api-helping.ts';
import { HIDDEN_MS, Relaying } from '#web/core/contribution/relaying.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const none: RelayLimits = {
  dayMegabytes: null,
  kilobytesPerSecond: null,
  pauseOnBattery: false,
  pauseOnMetered: false,
  onlyVisible: false,
};
const around: Surroundings = { battery: false, metered: false, visible: true };

let clock: VirtualClock;
let store: Store;
let commands: Command[];
let wanted: boolean;
let carried: number;
let relaying: Relaying;

const open = async (): Promise<Relaying> => {
  commands = [];
  const made = new Relaying(
    {
      store,
      ports: { now: () => clock.now(), timer: (delayMs, run) => clock.after(delayMs, run) },
      command: (command) => void commands.push(command),
      wanted: () => wanted,
      carriedToday: () => carried,
      switched: () => undefined,
      changed: () => undefined,
    },
    await store.get('settings', 'relaying'),
  );
  made.begin();
  return made;
};
/** What the node was told of relaying since the last look. */
const told = (): boolean[] => {
  const all = commands.splice(0);
  return all.flatMap((command) => (command.type === 'relay' ? [command.on] : []));
};

beforeEach(async () => {
  clock = new VirtualClock(0);
  store = memoryStore();
  [wanted, carried] = [true, 0];
  relaying = await open();
});

describe('relaying', () => {
  it('is what the user wants where nothing limits it', async () => {
    expect(told()).toEqual([true]);
    wanted = false;
    relaying.look();
    expect(told()).toEqual([false]);
    relaying.look();
    expect(told()).toEqual([]);
    // Nothing is looked at that nobody asked for.
    await clock.pass(3_600_000);
    expect(told()).toEqual([]);
    expect(relaying.view).toEqual({ limits: none, paused: null });
    wanted = true;
    expect((await open()).on).toBe(true);
  });

  it('ends for the day once its sum is carried, and goes on on the next', async () => {
    await relaying.limit({ ...none, dayMegabytes: 2 });
    told();
    carried = 1_999_999;
    await clock.pass(60_000);
    expect(relaying.on).toBe(true);
    carried = 2_000_000;
    await clock.pass(5000);
    expect(told()).toEqual([false]);
    expect(relaying.view.paused).toBe('day');
    carried = 0;
    await clock.pass(5000);
    expect(told()).toEqual([true]);
    expect(relaying.view.paused).toBeNull();
  });

  it('heeds what the page tells of the device, if it is to', async () => {
    relaying.surround({ battery: true, metered: true, visible: false });
    await clock.pass(2 * HIDDEN_MS);
    expect(told()).toEqual([true]);
    await relaying.limit({ ...none, pauseOnBattery: true, pauseOnMetered: true });
    expect(told()).toEqual([false]);
    expect(relaying.view.paused).toBe('battery');
    relaying.surround({ ...around, metered: true });
    expect(relaying.view.paused).toBe('metered');
    // What a browser does not tell stands in nobody's way.
    relaying.surround({ battery: null, metered: null, visible: true });
    expect(told()).toEqual([true]);
  });

  it('goes on for a minute out of sight, and begins again at once', async () => {
    await relaying.limit({ ...none, onlyVisible: true });
    told();
    relaying.surround({ ...around, visible: false });
    await clock.pass(HIDDEN_MS - 5000);
    // A second word of the same is no new beginning.
    relaying.surround({ ...around, visible: false });
    expect(told()).toEqual([]);
    await clock.pass(10_000);
    expect(told()).toEqual([false]);
    relaying.surround(around);
    expect(told()).toEqual([true]);
    relaying.surround({ ...around, visible: false });
    await clock.pass(30_000);
    relaying.surround(around);
    await clock.pass(3_600_000);
    expect(told()).toEqual([]);
  });

  it('keeps its limits, and tells them to the node at the start', async () => {
    const limits = { ...none, kilobytesPerSecond: 250, dayMegabytes: 500, onlyVisible: true };
    await relaying.limit(limits);
    await relaying.limitNeighbours(5);
    relaying = await open();
    expect(relaying.view.limits).toEqual(limits);
    expect(relaying.mostNeighbours).toBe(5);
    expect(commands).toContainEqual({ type: 'relay-rate', bytesPerSecond: 250_000 });
    expect(commands).toContainEqual({ type: 'limit-links', most: 5 });
  });

  it('takes no limit that is none', async () => {
    const refused = { code: 'malformed' };
    for (const dayMegabytes of [0, -1, 0.5, NaN, 1_000_001])
      await expect(relaying.limit({ ...none, dayMegabytes })).rejects.toMatchObject(refused);
    for (const kilobytesPerSecond of [0, 19, 100_001])
      await expect(relaying.limit({ ...none, kilobytesPerSecond })).rejects.toMatchObject(refused);
    for (const most of [0, 2, 13])
      await expect(relaying.limitNeighbours(most)).rejects.toMatchObject(refused);
    expect(await store.get('settings', 'relaying')).toBeUndefined();
  });
});

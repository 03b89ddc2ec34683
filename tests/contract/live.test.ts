import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLive } from '#server/stores/memory.ts';
import type { Live, Presence } from '#server/stores/ports.ts';
import { nodeId, type Millis } from '#shared/units.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

type Fixture = { live: Live; pass(spanMs: Millis): Promise<void> };

const implementations: Record<string, () => Promise<Fixture>> = {
  memory() {
    const clock = new VirtualClock();
    return Promise.resolve({ live: new MemoryLive(clock), pass: (spanMs) => clock.pass(spanMs) });
  },
};

const presenceOf = (byte: number, more: Partial<Presence> = {}): Presence => ({
  node: nodeId(new Uint8Array(32).fill(byte)),
  descriptor: Uint8Array.of(byte, 1, 2, 3),
  published: 10,
  since: 20,
  seen: 30,
  ...more,
});

describe.each(Object.entries(implementations))('the live port over %s', (_name, create) => {
  let live: Live;
  let pass: Fixture['pass'];

  beforeEach(async () => {
    ({ live, pass } = await create());
  });
  afterEach(() => live.close());

  it('knows a presence until it is removed', async () => {
    const presence = presenceOf(1);
    await live.setPresence(presence, 1_000);
    expect(await live.presence(presence.node)).toEqual(presence);
    expect(await live.presences()).toEqual([presence]);
    expect(await live.presenceCount()).toBe(1);
    await live.removePresence(presence.node);
    await live.removePresence(presence.node);
    expect(await live.presence(presence.node)).toBeUndefined();
    expect(await live.presences()).toEqual([]);
    expect(await live.presenceCount()).toBe(0);
  });

  it('forgets a presence at the end of its time', async () => {
    const [one, two] = [presenceOf(1), presenceOf(2)];
    await live.setPresence(one, 300);
    await live.setPresence(two, 900);
    await pass(200);
    expect(await live.presenceCount()).toBe(2);
    await pass(300);
    expect(await live.presence(one.node)).toBeUndefined();
    expect(await live.presences()).toEqual([two]);
    expect(await live.presenceCount()).toBe(1);
  });

  it('puts a presence in place of the older one and gives it its time anew', async () => {
    await live.setPresence(presenceOf(1), 300);
    await pass(200);
    const later = presenceOf(1, { seen: 230 });
    await live.setPresence(later, 300);
    await pass(200);
    expect(await live.presences()).toEqual([later]);
  });

  it('keeps routes in their order and drops the oldest over the limit', async () => {
    for (const circuit of [1, 2, 3]) await live.addRoute('aa', { process: 'p', circuit }, 2);
    await live.addRoute('bb', { process: 'p', circuit: 4 }, 2);
    expect(await live.routes('aa')).toEqual([
      { process: 'p', circuit: 2 },
      { process: 'p', circuit: 3 },
    ]);
    expect(await live.routes('cc')).toEqual([]);
  });

  it('holds a route once, at the place of its last addition', async () => {
    for (const circuit of [1, 2, 1]) await live.addRoute('aa', { process: 'p', circuit }, 4);
    await live.addRoute('aa', { process: 'q', circuit: 1 }, 4);
    expect(await live.routes('aa')).toEqual([
      { process: 'p', circuit: 2 },
      { process: 'p', circuit: 1 },
      { process: 'q', circuit: 1 },
    ]);
  });

  it('removes one route and no other', async () => {
    for (const circuit of [1, 2]) await live.addRoute('aa', { process: 'p', circuit }, 4);
    await live.removeRoute('aa', { process: 'p', circuit: 1 });
    await live.removeRoute('aa', { process: 'p', circuit: 9 });
    await live.removeRoute('zz', { process: 'p', circuit: 1 });
    expect(await live.routes('aa')).toEqual([{ process: 'p', circuit: 2 }]);
  });

  it('delivers to the process that holds the circuit, and says when none does', async () => {
    const taken: [string, number, Uint8Array][] = [];
    const detach = await live.attach('p', (circuit, body) => {
      taken.push(['p', circuit, body]);
      return circuit === 1;
    });
    await live.attach('q', (circuit, body) => {
      taken.push(['q', circuit, body]);
      return true;
    });
    const body = Uint8Array.of(7, 8);
    expect(await live.deliver({ process: 'p', circuit: 1 }, body)).toBe(true);
    expect(await live.deliver({ process: 'q', circuit: 1 }, body)).toBe(true);
    expect(await live.deliver({ process: 'p', circuit: 2 }, body)).toBe(false);
    expect(await live.deliver({ process: 'r', circuit: 1 }, body)).toBe(false);
    await detach();
    expect(await live.deliver({ process: 'p', circuit: 1 }, body)).toBe(false);
    expect(taken).toEqual([
      ['p', 1, body],
      ['q', 1, body],
      ['p', 2, body],
    ]);
  });
});

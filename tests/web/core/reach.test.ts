import { beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { RemoteError, type Code } from '#shared/errors.ts';
import type { Command } from '#shared/node/input.ts';
import { periodOf, sealContact } from '#shared/rendezvous/contact.ts';
import { inboxId } from '#shared/rendezvous/inbox.ts';
import { nodeId } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { Reach } from '#web/core/reach.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const rng = seededRng(new Uint8Array(32).fill(4));
const contact = signKeypair(rng(32));

let clock: VirtualClock;
let commands: Command[];
/** When each channel was dialled. */
let dialled: number[];
let absences: number;
let fault: Code | undefined;
/** Is awaited before a channel opens. */
let answer: () => Promise<void>;
let reach: Reach;

const begin = (): Reach => {
  const now = clock.now;
  const keys = { public: contact.public, secretSeed: contact.secret };
  const onionKey = rng(32);
  const inbox = { exit: nodeId(rng(32)), tag: rng(16), onionKey, id: inboxId(onionKey) };
  const descriptor = { inboxes: [inbox], keyPackage: new Uint8Array(8), mailbox: undefined };
  const published = sealContact(rng, keys, periodOf(now()), 1, descriptor);
  const network = {
    command: (command: Command) => void commands.push(command),
    ask: async () => Promise.resolve({ type: 'descriptor', ...published }),
    connect: async () => {
      dialled.push(now());
      await answer();
      if (fault) throw new RemoteError(fault);
      return Promise.resolve({ channel: dialled.length, circuit: 1 });
    },
  } as unknown as Network;
  return new Reach({
    ports: { rng, now, timer: clock.after } as unknown as Host['ports'],
    network,
    first: true,
    contact: contact.public,
    building: () => undefined,
    opened: async () => Promise.resolve(),
    absent: () => void (absences += 1),
    changed: () => undefined,
  });
};

beforeEach(async () => {
  clock = new VirtualClock();
  answer = async () => Promise.resolve();
  [commands, dialled, absences, fault] = [[], [], 0, undefined];
  reach = begin();
  await clock.pass(10);
});

describe('a way to a contact', () => {
  it('is there once they have spoken on it', async () => {
    expect(dialled.length).toBe(1);
    expect([reach.heard, reach.waiting]).toEqual([false, 'contact']);
    reach.joined(1);
    expect([reach.heard, reach.waiting]).toEqual([true, null]);
    reach.closed(1);
    expect([reach.heard, reach.waiting]).toEqual([false, 'circuit']);
    await clock.pass(300);
    expect(dialled.length).toBe(2);
    expect(absences).toBe(0);
  });

  it('on which nothing is said before it closes looks like one to somebody who is away, and is tried ever less often', async () => {
    for (let i = 0; i < 600; i++) {
      reach.closed(dialled.length);
      expect([reach.heard, reach.waiting]).toEqual([false, 'contact']);
      await clock.pass(1000);
    }
    const closed = { dialled: dialled.length, absences };
    const gaps = dialled.slice(1).map((at, i) => at - (dialled[i] ?? 0));
    expect(gaps.at(-1)).toBeGreaterThan(20_000);
    expect(dialled.length).toBeLessThan(40);

    // Of somebody who is really away.
    reach.stop();
    [dialled, absences, fault] = [[], 0, 'not-found'];
    reach = begin();
    await clock.pass(600_000);
    expect([reach.heard, reach.waiting]).toEqual([false, 'contact']);
    expect(Math.abs(dialled.length - closed.dialled)).toBeLessThan(15);
  });

  it('that is given up while it is on its way is closed', async () => {
    // The answer comes once it is stopped.
    answer = async () => Promise.resolve(other.stop());
    const other = begin();
    await clock.pass(100);
    expect(dialled.length).toBe(2);
    expect(commands).toEqual([{ type: 'channel-close', channel: 2 }]);
    expect(other.waiting).toBe('circuit');
  });
});

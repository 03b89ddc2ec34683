import { beforeEach, expect, it, vi } from 'vitest';
import { RemoteError } from '#shared/errors.ts';
import { Reestablish } from '#web/core/conversation/reestablish.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { FeatureEnv } from '#web/core/feature.ts';
import { lookUp } from '#web/core/publisher.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

vi.mock('#web/core/publisher.ts', () => ({ lookUp: vi.fn() }));

const keyPackage = Uint8Array.of(1, 2, 3);
const found = { inboxes: [], keyPackage, mailbox: undefined };

let clock: VirtualClock;
let did: string[];
let session: { id: string; contact: Uint8Array; stale: boolean };

const feature = (): Reestablish => {
  const env = {
    network: {},
    ports: { now: clock.now, rng: (length: number) => new Uint8Array(length), timer: clock.after },
    restart: async (id: string, key: Uint8Array) => {
      did.push(`${id} ${String(key)}`);
      session.stale = false;
      return Promise.resolve();
    },
    poke: (id: string) => did.push(`poke ${id}`),
  };
  return new Reestablish(env as unknown as FeatureEnv);
};
const begin = (reestablish: Reestablish): void => {
  reestablish.begun(session as unknown as Session);
};

beforeEach(() => {
  clock = new VirtualClock();
  did = [];
  session = { id: 'aa', contact: new Uint8Array(32), stale: true };
  vi.mocked(lookUp).mockReset().mockResolvedValue(found);
});

it('makes a new group as soon as the contact is found', async () => {
  vi.mocked(lookUp)
    .mockRejectedValueOnce(new RemoteError('no-consensus'))
    .mockRejectedValueOnce(new RemoteError('not-found'));
  begin(feature());
  await clock.pass(0);
  expect(did).toEqual([]);
  await clock.pass(10_000);
  expect(did).toEqual(['aa 1,2,3', 'poke aa']);
  expect(clock.alarms).toBe(0);
});

it('leaves alone what needs none, or was mended by the contact', async () => {
  session.stale = false;
  begin(feature());
  session.stale = true;
  vi.mocked(lookUp).mockRejectedValueOnce(new RemoteError('not-found'));
  begin(feature());
  await clock.pass(0);
  session.stale = false;
  await clock.pass(10_000);
  expect(did).toEqual([]);
  expect(lookUp).toHaveBeenCalledTimes(1);
});

it('stops', async () => {
  vi.mocked(lookUp).mockRejectedValue(new RemoteError('not-found'));
  const reestablish = feature();
  begin(reestablish);
  await clock.pass(0);
  reestablish.stop();
  expect(clock.alarms).toBe(0);
});

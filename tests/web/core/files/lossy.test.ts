import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FILE_WINDOW } from '#web/core/files/records.ts';
import { about, content, FileNet } from '#tests/support/file-net.ts';
import { runs } from '#tests/support/runs.ts';

const LARGEST = FILE_WINDOW + 150_000;
const whole = content(LARGEST);

/** What happens to two users and a file, one thing at a time; `at` is taken modulo the channels that there are. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      who: fc.nat(1),
      at: fc.nat(2),
      times: fc.nat(12),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), at: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), who: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), who: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      who: fc.nat(1),
      after: fc.nat(3),
      kept: fc.boolean(),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const play = async (net: FileNet, action: Step): Promise<void> => {
  const user = net.users['who' in action ? action.who : 0] ?? net.users[0];
  const channel = 'at' in action ? net.channels[action.at % net.channels.length] : undefined;
  switch (action.do) {
    case 'deliver':
      for (let left = action.times; left > 0 && channel; left--) await net.deliver(channel, user);
      return;
    case 'open':
      return net.open();
    case 'cut':
      return net.cut(channel);
    case 'read':
      return net.read(user);
    case 'crash':
      return net.crash(user);
    case 'fault':
      user.fault = { after: action.after, kept: action.kept };
  }
};

it('a file arrives whole over channels that break and from users that crash, and no progress is ahead of what is kept', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: LARGEST }),
      fc.array(step, { maxLength: 40, size: 'max' }),
      async (size, steps) => {
        const net = await FileNet.start();
        const [alice, bob] = net.users;
        const bytes = whole.slice(0, size);
        await alice.files.offer(alice.conversation, new Blob([bytes]), about());
        await net.read(bob);
        await bob.files.take(bob.id);
        const claims: { done: number; kept: number }[] = [];
        for (const user of net.users)
          user.watch = ({ done }) => void claims.push({ done, kept: bob.durable });
        for (const each of steps) {
          await play(net, each);
          // What came by another channel meanwhile makes room for as much again.
          expect(net.underWay(bob)).toBeLessThanOrEqual(FILE_WINDOW * (net.channels.length + 1));
        }
        for (const user of net.users) user.fault = undefined;
        await net.open();
        await net.settle();
        for (const { done, kept } of claims) expect(done).toBeLessThanOrEqual(kept);
        expect(net.refusals).toEqual([]);
        for (const user of net.users) expect(user.view()).toMatchObject({ state: 'done', done: size });
        expect(new Uint8Array(await (await bob.files.content(bob.id)).arrayBuffer())).toEqual(bytes);
      },
    ),
    runs(20),
  );
});

it('a file that either side cancels ends on both, over channels that break and from users that crash', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1),
      fc.array(step, { maxLength: 15, size: 'max' }),
      fc.array(step, { maxLength: 15, size: 'max' }),
      async (who, before, after) => {
        const net = await FileNet.start();
        const [alice, bob] = net.users;
        await alice.files.offer(alice.conversation, new Blob([whole]), about());
        await net.read(bob);
        await bob.files.take(bob.id);
        for (const each of before) await play(net, each);
        const user = net.users[who] ?? alice;
        await user.files.cancel(user.id).catch(() => undefined);
        await net.rest();
        for (const each of after) await play(net, each);
        for (const each of net.users) each.fault = undefined;
        await net.open();
        await net.settle();
        const [own, other] = net.users.map((each) => each.view()?.state);
        expect(own).toBe(other);
        expect(['done', 'cancelled']).toContain(own);
        for (const each of net.users) if (each.view()?.state === 'cancelled') expect(each.durable).toBe(0);
        expect(net.refusals).toEqual([]);
      },
    ),
    runs(20),
  );
});

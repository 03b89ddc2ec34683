import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Net, textsFrom, User } from '#tests/support/conversation-net.ts';
import { runs } from '#tests/support/runs.ts';

/** What happens to two users, one thing at a time; `who` and `at` are taken modulo what there is. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      who: fc.nat(1),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open' as const), who: fc.nat(1) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('deliver', 'deliver', 'deliver', 'repeat', 'lose'),
      who: fc.nat(1),
      channel: fc.nat(3),
      at: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ack' as const), who: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), channel: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), who: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('lost', 'kept'), who: fc.nat(1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const), who: fc.nat(1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What each user meant to say and was told is stored, or may be stored. */
type Said = { text: string; certain: boolean }[];

const play = async (net: Net, said: Map<User, Said>, action: Step): Promise<void> => {
  const user = net.users['who' in action ? action.who : 0] ?? net.users[0];
  const session = user.with(net.other(user));
  const channel =
    'channel' in action && net.channels.length > 0
      ? net.channels[action.channel % net.channels.length]
      : undefined;
  switch (action.do) {
    case 'send': {
      if (!session) return;
      for (let times = action.times; times > 0; times--) {
        const own = said.get(user) ?? [];
        const entry = { text: `${user.name} ${own.length}`, certain: false };
        own.push(entry);
        await net.guard(user, async () => {
          await user.with(net.other(user))?.send(entry.text);
          entry.certain = true;
        });
      }
      return;
    }
    case 'open':
      return net.open(user);
    case 'deliver':
    case 'repeat':
    case 'lose': {
      const queue = channel?.toward.get(user) ?? [];
      if (!channel || queue.length === 0) return;
      const at = action.at % queue.length;
      if (action.do === 'lose') queue.splice(at, 1);
      else await net.deliver(channel, user, at, action.do === 'repeat');
      return;
    }
    case 'ack':
      return net.guard(user, async () => session?.flushAcks());
    case 'cut':
      if (channel) await net.cut(channel);
      return;
    case 'crash':
      return net.crash(user);
    case 'lost':
    case 'kept':
      user.fault = action.do;
      return;
    case 'renew':
      return net.guard(user, async () => session?.renewKeys());
  }
};

/** No more faults: what was under way dies unnoticed, then everything arrives over fresh channels. */
const heal = async (net: Net): Promise<void> => {
  for (const user of net.users) user.fault = undefined;
  net.channels.splice(0);
  for (const user of net.users) {
    await net.open(user);
    await net.settle();
  }
};

const check = (net: Net, said: Map<User, Said>): void => {
  for (const user of net.users) {
    const own = user.with(net.other(user));
    const arrived = textsFrom(net.other(user).with(user), false);
    expect(arrived).toEqual(textsFrom(own, true));
    // What was surely stored is all there, in order; beside it only what may have been.
    const meant = said.get(user) ?? [];
    expect(arrived).toEqual(
      meant.filter(({ text, certain }) => certain || arrived.includes(text)).map(({ text }) => text),
    );
    for (const message of own?.messages() ?? []) {
      expect(message.state).toBe('delivered');
      const order = message.timeline.map(({ state }) => ['queued', 'sending', 'delivered'].indexOf(state));
      expect(order).toEqual([...order].sort());
    }
    expect(own?.unacknowledged ?? 0).toBe(0);
  }
};

describe('delivery', () => {
  it.each([
    ['one invites', false],
    ['both invite', true],
  ])('is once, in order and complete over any channels and crashes, when %s', async (_, simultaneous) => {
    const steps = fc.array(step, { minLength: 10, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), steps, async (met, actions) => {
        const users: [User, User] = [new User('Alice', 1), new User('Bob', 2)];
        const net = new Net(...users);
        for (const user of users) await user.boot();
        const said = new Map<User, Said>(users.map((user) => [user, []]));
        await users[0].accept(users[1]);
        if (simultaneous) await users[1].accept(users[0]);
        for (const user of users) await net.open(user);
        if (met) await net.settle();
        for (const action of actions) await play(net, said, action);
        await heal(net);
        check(net, said);
        for (const user of users) await user.boot();
        check(net, said);
      }),
      runs(12),
    );
  });
});

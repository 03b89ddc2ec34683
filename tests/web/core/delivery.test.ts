import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type * as Sign from '#shared/crypto/sign.ts';
import type { MessageView } from '#web/api.ts';
import { replaceSuite } from '#web/core/conversation/suite.ts';
import { cheapSuite } from '#tests/support/cheap-suite.ts';
import { Net, User } from '#tests/support/conversation-net.ts';
import { Meant, play, step } from '#tests/support/conversation-steps.ts';
import { runs } from '#tests/support/runs.ts';

/** The same few credentials are verified over and over; what was found out once holds. */
vi.mock('#shared/crypto/sign.ts', async (original) => {
  const actual = await original<typeof Sign>();
  const known = new Map<string, boolean>();
  const verify: typeof actual.verify = (...args) => {
    const key = args
      .map((arg) => (typeof arg === 'string' ? arg : Buffer.from(arg).toString('base64')))
      .join('/');
    const found = known.get(key) ?? actual.verify(...args);
    known.set(key, found);
    return found;
  };
  return { ...actual, verify };
});
replaceSuite(cheapSuite);

const models: [User, User] = [new User('Alice', 1), new User('Bob', 2)];

/** No more faults: what was under way on channels dies unnoticed, what is left as mail is read. */
const heal = async (net: Net, by: 'channels' | 'mail'): Promise<void> => {
  for (const user of net.users) user.fault = undefined;
  for (const channel of net.channels.slice()) await net.cut(channel);
  for (const user of net.users) await user.restart(net.other(user));
  for (const user of net.users) while (net.mail.get(user)?.length) await net.collect(user);
  for (let round = 0; round < 3; round++) {
    if (by === 'mail') await exchange(net);
    else for (const user of net.users) await reopen(net, user);
    for (const user of net.users) await user.with(net.other(user))?.markRead();
  }
  await net.pass(0);
};

const reopen = async (net: Net, user: User): Promise<void> => {
  await net.open(user);
  await net.settle();
};

/** Each in turn is there and the other is not, until neither has anything to leave. */
const exchange = async (net: Net): Promise<void> => {
  for (let turn = 0; turn < 24; turn++) {
    const user = net.users[turn % 2] ?? net.users[0];
    await user.boot();
    while (net.mail.get(user)?.length) await net.collect(user);
    await net.post(user, true);
    const sessions = net.users.flatMap((each) => each.with(net.other(each)) ?? []);
    if (sessions.every(({ unacknowledged, waiting }) => unacknowledged === 0 && !waiting)) return;
  }
};

const order = ['queued', 'sending', 'stored', 'failed', 'delivered', 'read'];

/** Only forward, but for another try of what failed. */
const isForward = (states: string[]): boolean =>
  states.every((state, i) => {
    const before = states[i - 1];
    if (before === undefined || (before === 'failed' && state === 'queued')) return true;
    return order.indexOf(state) > order.indexOf(before);
  });

const shown = (user: User, other: User, mine: boolean): MessageView[] =>
  (user.with(other)?.messages() ?? []).filter((message) => message.mine === mine);

/** What both sides have to agree on. */
const content = (message: MessageView, user: User, other: User): unknown => {
  const { id, text, event, replyTo, deleted, expiresAt } = message;
  const reactions = message.reactions
    .map(({ by, emoji }) => `${by === null ? user.name : other.name} ${emoji}`)
    .sort();
  return { id, text, event, replyTo, deleted, expiresAt, reactions };
};

/** What was told of a message only ever goes on from what was told before. */
const checkStates = (user: User): void => {
  const told = new Map<string, string[]>();
  for (const event of user.events) {
    if (event.type !== 'message') continue;
    const { id, timeline } = event.message;
    const states = timeline.map(({ state }) => state);
    const before = told.get(id) ?? [];
    expect(states.slice(0, before.length)).toEqual(before);
    told.set(id, states);
  }
  for (const states of told.values()) expect(isForward(states), states.join()).toBe(true);
};

/** What `user` wrote, here and there. */
const checkSaid = (net: Net, meant: Map<User, Meant>, user: User): void => {
  const other = net.other(user);
  const [own, theirs] = [meant.get(user), meant.get(other)];
  if (!own || !theirs) throw new Error('nobody');
  const here = shown(user, other, true);
  const there = shown(other, user, false);
  const hereIds = new Set(here.map(({ id }) => id));
  const thereIds = new Set(there.map(({ id }) => id));
  for (const all of [here, there]) expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { id } of here) expect(thereIds.has(id) || theirs.removed.has(id), 'arrived').toBe(true);
  for (const { id } of there) expect(hereIds.has(id) || own.removed.has(id), 'was sent').toBe(true);
  const common = here.filter(({ id }) => thereIds.has(id));
  expect(there.filter(({ id }) => hereIds.has(id)).map((each) => content(each, other, user))).toEqual(
    common.map((each) => content(each, user, other)),
  );
  for (const { state, timeline, event } of common) {
    expect(state).toBe(event ? 'delivered' : 'read');
    expect(isForward(timeline.map((entry) => entry.state))).toBe(true);
  }
  const gone = new Set([...own.removed, ...own.takenBack]);
  const now = user.now();
  const kept = here.filter(({ id, event }) => !event && !gone.has(id)).map(({ text }) => text);
  // What was surely stored is all there, in order; beside it only what may have been.
  const said = own.texts.filter(({ expires }) => expires === null || expires > now);
  expect(kept).toEqual(
    said
      .filter(({ text, certain }) => !own.gone.has(text) && (certain || kept.includes(text)))
      .map(({ text }) => text),
  );
};

const check = (net: Net, meant: Map<User, Meant>): void => {
  for (const user of net.users) {
    checkSaid(net, meant, user);
    checkStates(user);
    expect(user.with(net.other(user))?.unacknowledged ?? 0).toBe(0);
  }
  const [a, b] = net.users.map((user) => user.with(net.other(user))?.summary.timerMs);
  expect(a).toBe(b);
};

const begin = fc.constantFrom('met', 'one invites', 'both invite');

it('is once, in order and complete, and both sides agree, over any channels, mail and crashes', async () => {
  const steps = fc.array(step, { minLength: 10, maxLength: 60 });
  const ways = fc.constantFrom('channels', 'mail');
  await fc.assert(
    fc.asyncProperty(begin, ways, steps, async (beginning, way, actions) => {
      const users: [User, User] = [new User('Alice', 1, models[0]), new User('Bob', 2, models[1])];
      const net = new Net(...users);
      for (const user of users) await user.boot();
      const meant = new Map(users.map((user) => [user, new Meant()]));
      await users[0].accept(users[1]);
      if (beginning === 'both invite') await users[1].accept(users[0]);
      for (const user of users) await net.open(user);
      if (beginning === 'met') await net.settle();
      for (const action of actions) await play(net, meant, action);
      await heal(net, way);
      check(net, meant);
      for (const user of users) await user.boot();
      check(net, meant);
    }),
    runs(300),
  );
}, 3_600_000);

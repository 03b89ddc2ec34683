import fc from 'fast-check';
import type { MessageView } from '#web/api.ts';
import type { Net, User } from '#tests/support/conversation-net.ts';

/** What happens to two users, one thing at a time; `who`, `at`, `channel` and `message` are taken modulo what there is. */
const who = fc.nat(1);
const channel = fc.nat(3);
const message = fc.nat(30);
const at = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) });

const said = [
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('send'), who, times: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reply'), who, message }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('react'),
      who,
      message,
      emoji: fc.constantFrom('👍', '🎉', null),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take-back'), who, message }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove'), who, message }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read'), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('timer'), who, ms: fc.constantFrom(null, 2_000, 60_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fail', 'retry'), who, message }) },
] as const;

const passed = [
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open'), who }) },
  {
    weight: 18,
    arbitrary: fc.record({
      do: fc.constantFrom('deliver', 'deliver', 'deliver', 'repeat', 'lose'),
      who,
      channel,
      at,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ack'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), channel }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('post'), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('collect'), who, at, keep: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(100, 2_500, 61_000) }),
  },
] as const;

const suffered = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lost', 'kept'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lapse'), who }) },
] as const;

export const step = fc.oneof(...said, ...passed, ...suffered);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a user meant to do, and may have done; `certain` once they were told that it is stored. */
export class Meant {
  readonly texts: { text: string; certain: boolean; expires: number | null }[] = [];
  /** Ids of messages that they removed here, and of those that they took back. */
  readonly removed = new Set<string>();
  readonly takenBack = new Set<string>();
  /** The own texts among them. */
  readonly gone = new Set<string>();
}

const chosen = (user: User, other: User, place: number, mine?: boolean): MessageView | undefined => {
  const all = user.with(other)?.messages() ?? [];
  const messages = all.filter(
    (each) => !each.event && !each.deleted && (mine === undefined || each.mine === mine),
  );
  return messages[place % messages.length];
};

type Acting = { net: Net; user: User; meant: Meant };

const send = async ({ net, user, meant }: Acting, replyTo?: Uint8Array): Promise<void> => {
  const entry = {
    text: `${user.name} ${String(meant.texts.length)}`,
    certain: false,
    expires: null as number | null,
  };
  meant.texts.push(entry);
  await net.guard(user, async () => {
    const sent = await user.with(net.other(user))?.send(entry.text, replyTo ? { replyTo } : {});
    entry.certain = sent !== undefined;
    entry.expires = sent?.expiresAt ?? null;
  });
};

const speak = async (acting: Acting, action: Step): Promise<void> => {
  const { net, user, meant } = acting;
  const session = user.with(net.other(user));
  if (!session) return;
  const of = (mine?: boolean): MessageView | undefined =>
    'message' in action ? chosen(user, net.other(user), action.message, mine) : undefined;
  switch (action.do) {
    case 'send':
      for (let times = action.times; times > 0; times--) await send(acting);
      return;
    case 'reply': {
      const { id } = of() ?? {};
      return send(acting, id === undefined ? undefined : Buffer.from(id, 'hex'));
    }
    case 'react': {
      const { id } = of() ?? {};
      if (id !== undefined) await net.guard(user, () => session.react(id, action.emoji));
      return;
    }
    case 'take-back':
    case 'remove': {
      const everywhere = action.do === 'take-back';
      const { id, mine, text } = of(everywhere ? true : undefined) ?? {};
      if (id === undefined || text === undefined) return;
      (everywhere ? meant.takenBack : meant.removed).add(id);
      if (mine === true) meant.gone.add(text);
      return net.guard(user, () => session.remove(id, everywhere));
    }
    case 'read':
      return net.guard(user, () => session.markRead());
    case 'timer':
      return net.guard(user, () => session.setTimer(action.ms));
    case 'fail':
      return net.guard(user, () => session.fail('timeout'));
    case 'retry': {
      const { id } = of(true) ?? {};
      if (id !== undefined) await net.guard(user, () => session.retry(id));
      return;
    }
    default:
      return;
  }
};

const carry = async (net: Net, user: User, action: Step): Promise<void> => {
  const session = user.with(net.other(user));
  const chosenChannel =
    'channel' in action && net.channels.length > 0
      ? net.channels[action.channel % net.channels.length]
      : undefined;
  switch (action.do) {
    case 'open':
      return net.open(user);
    case 'deliver':
    case 'repeat':
    case 'lose': {
      const queue = chosenChannel?.toward.get(user) ?? [];
      if (!chosenChannel || queue.length === 0) return;
      const place = action.at % queue.length;
      if (action.do === 'lose') queue.splice(place, 1);
      else await net.deliver(chosenChannel, user, place, action.do === 'repeat');
      return;
    }
    case 'ack':
      return net.guard(user, async () => session?.flushAcks());
    case 'cut':
      if (chosenChannel) await net.cut(chosenChannel);
      return;
    case 'post':
      return net.post(user);
    case 'collect':
      return net.collect(user, action.at % Math.max(1, net.mail.get(user)?.length ?? 0), action.keep);
    case 'pass':
      return net.pass(action.ms);
    case 'crash':
      return net.crash(user);
    case 'lost':
    case 'kept':
      user.fault = action.do;
      return;
    case 'renew':
      return net.guard(user, async () => session?.renewKeys());
    case 'lapse':
      return net.lapse(user);
    default:
      return;
  }
};

export const play = async (net: Net, meant: Map<User, Meant>, action: Step): Promise<void> => {
  const user = net.users['who' in action ? action.who : 0] ?? net.users[0];
  const own = meant.get(user);
  if (!own) return;
  await speak({ net, user, meant: own }, action);
  await carry(net, user, action);
};

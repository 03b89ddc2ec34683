import type { ClientApi } from '#web/api.ts';
import { eventually } from '#tests/support/test-network.ts';

/** One side of a conversation: a client in this process or in a tab. */
export type Side = { client: ClientApi; conversation: string };

const DELIVERY_MS = 60_000;

/** `guest` accepts an invite of `host`'s, and the first message has gone to and fro. */
export const meet = async (guest: ClientApi, host: ClientApi): Promise<{ guest: Side; host: Side }> => {
  const { link } = await host.createInvite();
  const own = { client: guest, conversation: await accepted(guest, link) };
  const { name } = (await guest.state()).profile;
  await delivered(own, [await say(own, 'Is this you?')]);
  const back = (await host.state()).conversations.find((each) => each.name === name);
  if (!back) throw new Error('a message was delivered to nobody');
  const other = { client: host, conversation: back.id };
  await delivered(other, [await say(other, 'It is.')]);
  return { guest: own, host: other };
};

/** Where it costs a token, it takes the inviter a while to be found. */
const accepted = async (guest: ClientApi, link: string): Promise<string> => {
  let conversation: string | undefined;
  const accept = async (): Promise<boolean> => {
    try {
      conversation = await guest.acceptInvite(link);
    } catch (error) {
      if (!String(error).includes('could not be found')) throw error;
    }
    return conversation !== undefined;
  };
  await eventually('the inviter is found', accept, DELIVERY_MS);
  return conversation ?? '';
};

/** Sends `text`; resolves with the message's id once it is stored. */
export const say = async ({ client, conversation }: Side, text: string): Promise<string> =>
  (await client.send(conversation, text)).id;

/** Sends `count` messages one after another; resolves with their ids. */
export const burst = async (side: Side, topic: string, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (const text of burstTexts(topic, count)) ids.push(await say(side, text));
  return ids;
};

export const burstTexts = (topic: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${topic} ${String(i + 1)} of ${String(count)}`);

/** Resolves once all of these own messages are delivered. */
export const delivered = async (side: Side, ids: string[], limitMs = DELIVERY_MS): Promise<void> => {
  const { client, conversation } = side;
  await eventually(
    'delivery',
    async () => {
      const messages = await client.messages(conversation);
      const states = new Map(messages.map(({ id, state }) => [id, state]));
      return ids.every((id) => states.get(id) === 'delivered');
    },
    limitMs,
  );
};

/** What the contact wrote about `topic`, in the order in which it stands here. */
export const heard = async ({ client, conversation }: Side, topic: string): Promise<string[]> => {
  const messages = await client.messages(conversation);
  return messages.filter(({ mine, text }) => !mine && text.startsWith(`${topic} `)).map(({ text }) => text);
};

/** The nodes of the circuit of its own that serves a side's conversation now; none while there is none. */
export const hopsOf = async ({ client, conversation }: Side): Promise<string[]> => {
  const { circuits } = await client.state();
  const own = circuits.filter((each) => each.conversation === conversation && each.state === 'open');
  const [newest] = own.sort((a, b) => (b.openedAt ?? 0) - (a.openedAt ?? 0));
  return newest?.hops.map(({ node }) => node) ?? [];
};

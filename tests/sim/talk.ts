import type { Handle, InboxRef } from '#shared/node/input.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** A conversation between two users, and everyone on its way in order: caller, six nodes, owner. */
export type Talk = {
  caller: SimNode;
  owner: SimNode;
  callerChannel: Handle;
  ownerChannel: Handle;
  chain: SimNode[];
};

let lastHandle = 0;

export const pathOf = (node: SimNode, circuit: Handle): NodeId[] =>
  node.node.circuits.find(({ handle }) => handle === circuit)?.path ?? [];

export const openInboxes = async (
  world: World,
  owner: SimNode,
  count = 2,
  limitMs: Millis = 60_000,
): Promise<InboxRef[]> => {
  owner.command({ type: 'open-inboxes', count });
  await world.until(`${count} inboxes of ${owner.name}`, () => owner.inboxes.length === count, limitMs);
  return owner.inboxes;
};

/** Joins one of the inboxes; throws the code when none lets the caller in. */
export const meet = async (
  world: World,
  caller: SimNode,
  owner: SimNode,
  inboxes: InboxRef[] = owner.inboxes,
  limitMs: Millis = 60_000,
): Promise<Talk> => {
  lastHandle += 1;
  const handle = lastHandle;
  const incoming = owner.seen('channel-incoming').length;
  caller.command({ type: 'connect', handle, inboxes });
  const failed = () => caller.seen('channel-failed').find((event) => event.handle === handle);
  const open = () => caller.seen('channel-open').find((event) => event.handle === handle);
  const came = () => owner.seen('channel-incoming')[incoming];
  const done = (): boolean => failed() !== undefined || (open() !== undefined && came() !== undefined);
  await world.until(`${caller.name} meets ${owner.name}`, done, limitMs);
  const [mine, theirs] = [open(), came()];
  if (!mine || !theirs) throw new Error(`failed: ${failed()?.code ?? ''}`);
  const ids = [...pathOf(caller, mine.circuit), ...pathOf(owner, theirs.circuit).toReversed().slice(1)];
  return {
    caller,
    owner,
    callerChannel: mine.channel,
    ownerChannel: theirs.channel,
    chain: [caller, ...ids.map((id) => world.byId(id)), owner],
  };
};

/** Meets again and again until each node stands in one place of the way only. */
export const meetApart = async (
  world: World,
  caller: SimNode,
  owner: SimNode,
  inboxes: InboxRef[] = owner.inboxes,
): Promise<Talk> => {
  for (;;) {
    const talk = await meet(world, caller, owner, inboxes);
    if (new Set(talk.chain).size === talk.chain.length) return talk;
    caller.command({ type: 'channel-close', channel: talk.callerChannel });
    await world.clock.pass(3000);
  }
};

/** Meets again and again until it works, as a client would. */
export const reconnect = async (
  world: World,
  caller: SimNode,
  owner: SimNode,
  limitMs: Millis,
): Promise<Talk> => {
  const end = world.clock.now() + limitMs;
  for (;;) {
    try {
      return await meet(world, caller, owner, owner.inboxes, Math.max(0, end - world.clock.now()));
    } catch (error) {
      if (world.clock.now() >= end) throw error;
      await world.clock.pass(500);
    }
  }
};

export const say = (from: SimNode, channel: Handle, data: Uint8Array): void =>
  from.command({ type: 'channel-send', channel, data });

export const heard = (by: SimNode, channel: Handle): Uint8Array[] =>
  by.seen('channel-message').flatMap((event) => (event.channel === channel ? [event.data] : []));

export const closing = (by: SimNode, channel: Handle): string | undefined =>
  by.seen('channel-closed').find((event) => event.channel === channel)?.code;

/** One message each way, which has to arrive. */
export const exchange = async (world: World, talk: Talk, data: Uint8Array): Promise<void> => {
  const { caller, owner, callerChannel, ownerChannel } = talk;
  const before = [heard(caller, callerChannel).length, heard(owner, ownerChannel).length];
  say(caller, callerChannel, data);
  say(owner, ownerChannel, data);
  const through = (): boolean =>
    heard(caller, callerChannel).length > (before[0] ?? 0) &&
    heard(owner, ownerChannel).length > (before[1] ?? 0);
  await world.until('a message each way', through, 60_000);
};

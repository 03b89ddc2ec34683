import { hex } from '#shared/bytes/bytes.ts';
import { shuffle, uniform } from '#shared/crypto/rng.ts';
import { decodeAddress } from '#shared/rendezvous/address.ts';
import { blindedAddress, periodOf } from '#shared/rendezvous/contact.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Sight } from './directory.ts';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

const SECOND: Millis = 1_000;

/** Those that were there before, and whose names need not be guessed. */
const RELAYS = 8;
/** Tabs that come at about one time, of which the first two are users who talk. */
export const TABS = 12;
const TALK_EVERY_MS: Millis = 20 * SECOND;

export type Mode = 'private' | 'direct';

/** How long it all takes: the wait before nodes register, at the most; within which time the tabs come; the talk. */
export type Spans = { delayMs: Millis; arrivalMs: Millis; talkMs: Millis };

/** All that a directory saw, and what it was to find out. */
export type Watched = {
  sights: Sight[];
  /** How long nodes wait before they register, at the most, which everybody knows. */
  delayMs: Millis;
  /** Whose connections are to be told apart, and the node of each. */
  nodeOf: Map<string, NodeId>;
  /** The node of each user, who is known by the key under which they publish (hex). */
  nodeOfUser: Map<string, NodeId>;
  faults: string[];
};

/** A network in which two users talk, as its directory sees it. */
export const watchWorld = async (seed: number, mode: Mode, spans: Spans): Promise<Watched> => {
  const sights: Sight[] = [];
  const delayMs = mode === 'private' ? spans.delayMs : 0;
  const world = await new World({
    seed,
    directoryHops: mode === 'private' ? 4 : 1,
    registrationDelayMs: delayMs,
    watch: (sight) => void sights.push(sight),
  }).start();
  await world.relays(RELAYS);
  // So that they are exits when the others come.
  if (mode === 'private') await world.clock.pass(2 * delayMs);

  const tabs = await arrive(world, spans.arrivalMs);
  const [alice, bob] = tabs as [SimClient, SimClient, ...SimClient[]];
  await alice.does((api) => api.start({ name: 'Alice' }));
  await bob.does((api) => api.start({ name: 'Bob' }));
  const { link } = await alice.does((api) => api.createInvite());
  await world.clock.pass(8 * SECOND);
  const conversation = await bob.does((api) => api.acceptInvite(link));
  const end = world.clock.now() + spans.talkMs;
  while (world.clock.now() < end) {
    await bob.does((api) => api.send(conversation, 'how are you'));
    await world.clock.pass(TALK_EVERY_MS);
  }
  const nodeOf = new Map<string, NodeId>();
  for (const tab of tabs) {
    const { node } = await tab.api.state();
    if (!node?.registered) throw new Error(`${tab.name} is not registered (seed ${String(seed)})`);
    nodeOf.set(tab.name, node.id as NodeId);
  }
  const heard = await bob.messages(conversation, true);
  if (!heard.every(({ state }) => state === 'delivered')) throw new Error('they did not talk');
  const nodeOfUser = new Map<string, NodeId>();
  for (const tab of [alice, bob]) {
    const address = decodeAddress((await tab.api.state()).profile.address ?? '');
    const key = blindedAddress(address, periodOf(world.clock.now()));
    nodeOfUser.set(hex(key), nodeOf.get(tab.name) as NodeId);
  }
  const faults = world.faults();
  for (const tab of tabs) tab.kill();
  return { sights, delayMs, nodeOf, nodeOfUser, faults };
};

/** Tabs that open at random times of a span, the users' among them. */
const arrive = async (world: World, arrivalMs: Millis): Promise<SimClient[]> => {
  const rng = world.rng(95_000);
  const from = world.clock.now();
  const times = Array.from({ length: TABS }, () => from + uniform(rng, arrivalMs)).sort((a, b) => a - b);
  const order = shuffle(
    rng,
    times.map((_, index) => index),
  );
  const tabs: SimClient[] = [];
  for (const [turn, at] of times.entries()) {
    await world.clock.pass(Math.max(0, at - world.clock.now()));
    const index = order[turn] as number;
    tabs[index] = await SimClient.open(world, `tab ${String(index)}`, { relaying: true });
  }
  return tabs;
};

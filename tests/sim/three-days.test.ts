import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MessageState } from '#web/api.ts';
import type { Store } from '#web/core/store/ports.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const RELAYS = 5;

/** Two users, of whom each opens and closes tabs; and the relays of the day. */
class Days {
  readonly world: World;
  readonly tabs: SimClient[] = [];
  readonly #stores = new Map<string, Store>();

  constructor(seed: number) {
    this.world = new World({ seed });
  }

  async open(name: string): Promise<SimClient> {
    const store = this.#stores.get(name) ?? memoryStore();
    this.#stores.set(name, store);
    const tab = await SimClient.open(this.world, name, { store });
    this.tabs.push(tab);
    return tab;
  }

  /** Nobody is there, then not even the directory; after these days there are another process of it and other relays. */
  async sleep(days: number): Promise<void> {
    for (const relay of this.world.nodes) relay.kill();
    await this.world.clock.pass(10 * MINUTE);
    await this.world.restartDirectory(days * DAY);
    await this.world.relays(RELAYS);
  }

  /** Pairs of tabs that were open at the same time since `from`. */
  overlaps(from: number): string[][] {
    const open = this.tabs.filter(({ openedAt }) => openedAt >= from);
    const end = ({ closedAt }: SimClient): number => closedAt ?? this.world.clock.now();
    return open.flatMap((a, i) =>
      open
        .slice(i + 1)
        .filter((b) => a.openedAt < end(b) && b.openedAt < end(a))
        .map((b) => [a.name, b.name]),
    );
  }
}

const all = async (tab: SimClient, conversation: string, states: MessageState[]): Promise<boolean> => {
  const messages = await tab.messages(conversation, true);
  return messages.length > 0 && messages.every(({ state }) => states.includes(state));
};

const numbered = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${what} ${i + 1}`);

const say = async (tab: SimClient, conversation: string, texts: string[]): Promise<void> => {
  for (const text of texts) await tab.does((api) => api.send(conversation, text));
};

const conversationOf = async (tab: SimClient): Promise<string> =>
  (await tab.api.state()).conversations[0]?.id ?? '';

describe('two who are never there together', () => {
  const errors = vi.spyOn(console, 'error');
  afterEach(() => {
    expect(errors.mock.calls).toEqual([]);
    errors.mockClear();
  });

  it('talk, three days apart, though everything between them was another meanwhile', async () => {
    const days = new Days(71);
    const { world } = days;
    await world.start();
    await world.relays(RELAYS);

    // They have met.
    let [alice, bob] = [await days.open('alice'), await days.open('bob')];
    await alice.does((api) => api.start({ name: 'Alice' }));
    await bob.does((api) => api.start({ name: 'Bob' }));
    const { link } = await alice.does((api) => api.createInvite());
    await world.clock.pass(8 * SECOND);
    const atBob = await bob.does((api) => api.acceptInvite(link));
    await say(bob, atBob, ['we met']);
    await bob.until('is heard', () => all(bob, atBob, ['delivered']), MINUTE);
    const atAlice = await conversationOf(alice);
    await bob.close();
    await alice.close();
    await world.clock.pass(MINUTE / 2);
    const apart = world.clock.now();

    alice = await days.open('alice');
    const texts = numbered('message', 20);
    await say(alice, atAlice, texts);
    await alice.until('has it all stored', () => all(alice, atAlice, ['stored']), 5 * MINUTE);
    await alice.close();

    await days.sleep(3);
    bob = await days.open('bob');
    const received = async (): Promise<boolean> => (await bob.texts(atBob, false)).length >= 20;
    await bob.until('has it all', received, 5 * MINUTE);
    expect(await bob.texts(atBob, false)).toEqual(texts);
    const answers = numbered('answer', 3);
    await say(bob, atBob, answers);
    await bob.until('has it all stored', () => all(bob, atBob, ['stored', 'delivered']), 5 * MINUTE);
    await bob.close();

    await days.sleep(1);
    alice = await days.open('alice');
    const answered = async (): Promise<boolean> => (await alice.texts(atAlice, false)).length >= 4;
    await alice.until('has the answers', answered, 5 * MINUTE);
    expect(await alice.texts(atAlice, false)).toEqual(['we met', ...answers]);
    await alice.until('knows that it was heard', () => all(alice, atAlice, ['delivered']), MINUTE);
    const [first] = await alice.messages(atAlice, true);
    expect(first?.timeline.map(({ state }) => state)).toEqual(['queued', 'stored', 'delivered']);
    await alice.close();

    expect(days.overlaps(apart)).toEqual([]);
    expect(world.faults()).toEqual([]);
  });

  it('become contacts by an invite, and talk from then on, while the one who invited is away', async () => {
    const days = new Days(72);
    const { world } = days;
    await world.start();
    await world.relays(RELAYS);

    let alice = await days.open('alice');
    await alice.does((api) => api.start({ name: 'Alice' }));
    const { link } = await alice.does((api) => api.createInvite());
    // What is published for the days to come goes out bit by bit; by now for tomorrow, which does for the day after it too.
    await world.clock.pass(90 * SECOND);
    await alice.close();

    await days.sleep(2);
    let bob = await days.open('bob');
    await bob.does((api) => api.start({ name: 'Bob' }));
    await world.clock.pass(5 * SECOND);
    const atBob = await bob.does((api) => api.acceptInvite(link));
    const greetings = numbered('greeting', 3);
    await say(bob, atBob, greetings);
    await bob.until('has it all stored', () => all(bob, atBob, ['stored']), 5 * MINUTE);
    expect((await bob.api.state()).conversations).toMatchObject([{ name: 'Alice', state: 'requested' }]);
    await bob.close();

    await days.sleep(2);
    alice = await days.open('alice');
    const greeted = async (): Promise<boolean> => {
      const id = await conversationOf(alice);
      return id !== '' && (await alice.texts(id, false)).length >= 3;
    };
    await alice.until('is greeted', greeted, 5 * MINUTE);
    const atAlice = await conversationOf(alice);
    expect(await alice.texts(atAlice, false)).toEqual(greetings);
    expect((await alice.api.state()).conversations).toMatchObject([{ name: 'Bob', state: 'active' }]);
    await say(alice, atAlice, ['welcome']);
    await alice.until('has it all stored', () => all(alice, atAlice, ['stored', 'delivered']), 5 * MINUTE);
    await alice.close();

    await days.sleep(2);
    bob = await days.open('bob');
    const welcomed = async (): Promise<boolean> => (await bob.texts(atBob, false)).length > 0;
    await bob.until('is answered', welcomed, 5 * MINUTE);
    expect(await bob.texts(atBob, false)).toEqual(['welcome']);
    await bob.until('knows that it was heard', () => all(bob, atBob, ['delivered']), MINUTE);
    await bob.close();

    expect(days.overlaps(0)).toEqual([]);
    expect(world.faults()).toEqual([]);
  });
});

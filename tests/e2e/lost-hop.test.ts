import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { burstTexts, delivered, heard, hopsOf, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const TABS = 8;
const COUNT = 50;
/** Of a burst with a loss in it, from its first message to its last acknowledgement. */
const LIMIT_MS = 25_000;

type Watched = typeof globalThis & { circuitStates: string[] };

/** Notes every state that the circuit view of this page shows from now on. */
const watchCircuit = async ({ page }: Tab): Promise<void> => {
  await page.getByTestId('circuit').waitFor();
  await page.evaluate(() => {
    const states: string[] = ((globalThis as Watched).circuitStates = []);
    const look = (): void => {
      const state = document.querySelector('[data-testid=circuit]')?.getAttribute('data-state') ?? 'none';
      if (states.at(-1) !== state) states.push(state);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
};

const circuitStates = ({ page }: Tab): Promise<string[]> =>
  page.evaluate(() => (globalThis as Watched).circuitStates);

const positions = [
  ['guard', 0],
  ['exit', 2],
] as const;

describe('a tab that is closed in the middle of a burst', () => {
  let network: TestNetwork;
  let browser: Browser;
  let relays: BrowserContext;
  let opened = 0;
  const tabs = new Map<string, Tab>();
  let alice: Tab;
  let sender: Side;
  let recipient: Side;

  /** Opens relaying tabs until there are enough, and waits until they can be found. */
  const refill = async (): Promise<void> => {
    while (tabs.size < TABS) {
      opened += 1;
      const tab = await Tab.open(relays, network.url, `tab-${String(opened)}`);
      tabs.set((await tab.client.state()).node?.id ?? '', tab);
    }
    await eventually('a consensus of the tabs', async () => {
      const listed: string[] = await network.nodes();
      return [...tabs.keys()].every((id) => listed.includes(id));
    });
  };

  const person = async (name: string): Promise<Tab> => {
    const tab = await Tab.open(await newContext(browser, network.url), network.url);
    await tab.client.setRelaying(false);
    await tab.reload();
    await tab.start(name);
    return tab;
  };

  /** The tab that is a hop of this side's path. */
  const hopOf = async (side: Side, place: number): Promise<Tab> => {
    let id = '';
    await eventually('a path of tabs that are open', async () => {
      id = (await hopsOf(side))[place] ?? '';
      return tabs.has(id);
    });
    const tab = tabs.get(id) as Tab;
    tabs.delete(id);
    return tab;
  };

  beforeAll(async () => {
    network = await TestNetwork.start({ webDir });
    browser = await launch();
    relays = await newContext(browser, network.url);
    await refill();
    alice = await person('Alice');
    const bob = await person('Bob');
    ({ guest: sender, host: recipient } = await meet(alice.client, bob.client));
    await alice.show(`#/chats/${sender.conversation}`);
    await watchCircuit(alice);
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  const cases = (['sender', 'recipient'] as const).flatMap((who) =>
    positions.map(([position, place]) => ({ who, position, place })),
  );

  it.each(cases)('as $position of the $who, costs nothing', async ({ who, position, place }) => {
    await refill();
    const tab = await hopOf(who === 'sender' ? sender : recipient, place);
    const topic = `without the ${position} of the ${who}`;
    const texts = burstTexts(topic, COUNT);
    const startedAt = Date.now();
    let closed: Promise<void> | undefined;
    const ids: string[] = [];
    for (const text of texts) {
      if (ids.length === COUNT / 2) closed = tab.close();
      ids.push(await say(sender, text));
    }
    await closed;
    await delivered(sender, ids, LIMIT_MS - (Date.now() - startedAt));
    expect(await heard(recipient, topic)).toEqual(texts);
  });

  it('is seen in the circuit view, and so is the way around it', async () => {
    await eventually('an open circuit', async () => (await circuitStates(alice)).at(-1) === 'open');
    expect(await circuitStates(alice)).toEqual(expect.arrayContaining(['open', 'closed']));
  });
});

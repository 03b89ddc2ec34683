import { performance } from 'node:perf_hooks';
import type { Browser, Page } from 'playwright-core';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { TestNetwork } from '#tests/support/test-network.ts';
import { giveOldChat } from './old-chat.ts';
import { Program } from './programs.ts';
import { Remote } from './remote.ts';

/** What a person feels of the page: whether it stalls while its worker relays, and how a long conversation opens and scrolls. */
export type PageReport = { relaying?: Relaying[]; conversation?: Conversation };

/** Tasks of over 50 ms on the page. */
type Stalls = { stalls: number; longestMs: number };
/** On a screen, first without and then with cells that pass through the tab. */
type Relaying = { screen: string; seconds: number; idle: Stalls; busy: Stalls & { cells: number } };
type Conversation = {
  messages: number;
  /** From the click to the newest message on the screen, when the chat is opened first, and when it is opened again. */
  opening: (Stalls & { ms: number })[];
  /** Times between two frames while the log runs from the newest message towards the first. */
  scrolling: Stalls & { frames: number; medianMs: number; p95Ms: number };
};

export type PageSize = { seconds: number; screens: number; messages: number };
export const fullPage: PageSize = { seconds: 20, screens: 400, messages: 10_000 };
export const quickPage: PageSize = { seconds: 8, screens: 100, messages: 10_000 };

const HEADLESS = 3;
/** What the page draws from what its worker relays. */
const SCREENS = ['#/helping', '#/network', '#/chats'];
const TRIES = 30;
/** More than can pass in the time. */
const BYTES = 1_000_000_000;
const MESSAGE_BYTES = 64 * 1024;

type Watched = typeof globalThis & { stalls: number[] };

const watchStalls = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const stalls: number[] = ((globalThis as Watched).stalls = []);
    new PerformanceObserver((list) =>
      stalls.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({
      type: 'longtask',
    });
  });

/** Since it was last asked for. */
const stallsOf = async (page: Page): Promise<Stalls> => {
  const stalls = await page.evaluate(() => (globalThis as Watched).stalls.splice(0));
  return { stalls: stalls.length, longestMs: Math.max(0, ...stalls) };
};

/** A figure that could not be measured is left out, and `failed` is told why. */
export const measurePage = async (size: PageSize, failed: (error: unknown) => void): Promise<PageReport> => {
  const browser = await launch();
  const report: PageReport = {};
  await relaying(browser, size).then((result) => (report.relaying = result), failed);
  await conversation(browser, size).then((result) => (report.conversation = result), failed);
  await browser.close();
  return report;
};

/** Two programs send through a tab what they can. */
const relaying = async (browser: Browser, { seconds }: PageSize): Promise<Relaying[]> => {
  const network = await TestNetwork.start({ apart: true, webDir, env: { HG_LOG_LEVEL: 'error' } });
  const options = { args: ['--directory', network.url, '--bind', '127.0.0.1'] };
  const relays = Array.from({ length: HEADLESS }, () => new Program('relay/main.ts', options));
  const ends = [new Remote(network.url, undefined), new Remote(network.url, undefined)] as const;
  try {
    const tab = await Tab.open(await newContext(browser, network.url), network.url);
    await tab.start('Relay');
    await network.listed(HEADLESS + 1);
    const { node } = await tab.client.state();
    const channel = await leadThrough(ends, node?.id ?? '');
    await watchStalls(tab.page);
    const idle: Stalls[] = [];
    for (const screen of SCREENS) idle.push((await looking(tab, screen, seconds)).stalls);
    const [from, to] = ends;
    const received = to.call('receive', BYTES, (SCREENS.length + 1) * seconds * 1000);
    const sent = from.call('send', channel, BYTES, MESSAGE_BYTES);
    const figures: Relaying[] = [];
    for (const [i, screen] of SCREENS.entries()) {
      const { stalls, cells, took } = await looking(tab, screen, seconds);
      const before = idle[i] ?? { stalls: 0, longestMs: 0 };
      figures.push({ screen, seconds: took, idle: before, busy: { ...stalls, cells } });
    }
    // The programs end in the middle of it.
    for (const each of [sent, received]) each.catch(() => undefined);
    return figures;
  } finally {
    await Promise.all([...relays, ...ends].map((each) => each.stop()));
    await network.stop();
  }
};

/** The tab shows a screen for so long. */
const looking = async (
  tab: Tab,
  screen: string,
  seconds: number,
): Promise<{ stalls: Stalls; cells: number; took: number }> => {
  await tab.show(screen);
  const before = (await tab.traces()).length;
  // That a screen is drawn, and that traces are fetched, is work of the page which is not meant here.
  await tab.page.waitForTimeout(500);
  await stallsOf(tab.page);
  const startedAt = performance.now();
  await tab.page.waitForTimeout(seconds * 1000);
  const took = (performance.now() - startedAt) / 1000;
  const stalls = await stallsOf(tab.page);
  const cells = (await tab.traces()).slice(before).filter(({ sent }) => sent).length;
  return { stalls, cells, took };
};

/** A channel whose path the tab is on. */
const leadThrough = async ([from, to]: readonly [Remote, Remote], node: string): Promise<number> => {
  for (let i = 0; i < TRIES; i++) {
    const inbox = await to.call('openInbox');
    const { channel, path } = await from.call('connect', inbox);
    if (path.includes(node)) return channel;
  }
  throw new Error('no circuit led through the tab');
};

const conversation = async (browser: Browser, { screens, messages }: PageSize): Promise<Conversation> => {
  const network = await TestNetwork.start({ relays: 5, webDir });
  try {
    const tab = await Tab.open(await newContext(browser, network.url), network.url);
    const { page } = tab;
    const chat = `#/chats/${await giveOldChat(network, tab, messages)}`;
    await page.getByTestId('conversation').waitFor();
    await watchStalls(page);
    const opening: Conversation['opening'] = [];
    for (let i = 0; i < 2; i++) {
      await tab.show('#/settings');
      await page.getByTestId('section-profile').waitFor();
      await stallsOf(page);
      const ms = await opened(page, chat, `Message ${String(messages)}.`);
      opening.push({ ms, ...(await stallsOf(page)) });
    }
    return { messages, opening, scrolling: await scrolling(page, screens) };
  } finally {
    await network.stop();
  }
};

/** How long it takes until the newest message is drawn; returns once nothing more comes. */
const opened = (page: Page, chat: string, newest: string): Promise<number> =>
  page.evaluate(
    async ({ hash, text }) => {
      const frame = (): Promise<number> => new Promise((done) => requestAnimationFrame(done));
      const last = (): string | null | undefined =>
        [...document.querySelectorAll('[data-testid=message-text]')].at(-1)?.textContent;
      const startedAt = performance.now();
      location.hash = hash;
      while (!last()?.startsWith(text)) await frame();
      await frame();
      const took = performance.now() - startedAt;
      await new Promise((done) => setTimeout(done, 2000));
      return took;
    },
    { hash: chat, text: newest },
  );

const scrolling = async (page: Page, screens: number): Promise<Conversation['scrolling']> => {
  const frames = await page.evaluate(async (count) => {
    const log = document.querySelector('[data-testid=log]');
    const times: number[] = [];
    let last = performance.now();
    for (let i = 0; log && i < count * 4; i++) {
      log.scrollTop -= log.clientHeight / 4;
      await new Promise((done) => requestAnimationFrame(done));
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times.toSorted((a, b) => a - b);
  }, screens);
  const rank = (share: number): number => frames[Math.ceil(share * frames.length) - 1] ?? NaN;
  return { frames: frames.length, medianMs: rank(0.5), p95Ms: rank(0.95), ...(await stallsOf(page)) };
};

const round = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0);

const stallsText = ({ stalls, longestMs }: Stalls): string =>
  stalls === 0
    ? 'no task over 50 ms'
    : `${String(stalls)} tasks over 50 ms, the longest ${round(longestMs)} ms`;

export const pageTable = ({ relaying: relayed = [], conversation: chat }: PageReport): string => {
  const lines = ['The page'];
  for (const { screen, seconds, idle, busy } of relayed)
    lines.push(
      `  ${screen}, ${round(seconds)} s while its worker relays ${round(busy.cells / seconds)} cells/s: ${stallsText(busy)}; as long without: ${stallsText(idle)}`,
    );
  if (!chat) return lines.join('\n');
  for (const [i, { ms, ...stalls }] of chat.opening.entries())
    lines.push(
      `  ${i === 0 ? 'opening' : 'opening again'} a chat of ${String(chat.messages)} messages: ${round(ms)} ms, ${stallsText(stalls)}`,
    );
  const { frames, medianMs, p95Ms, ...stalls } = chat.scrolling;
  lines.push(
    `  scrolling in it: ${String(frames)} frames, one in ${round(medianMs)} ms (95 %: ${round(p95Ms)} ms), ${stallsText(stalls)}`,
  );
  return lines.join('\n');
};

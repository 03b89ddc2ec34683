import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanup } from 'node-datachannel';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sirv from 'sirv';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeWrtc } from '#relay/peers.ts';
import { linkScenarios } from '#tests/contract/links.ts';
import { allowDevices, launch } from '#tests/support/browser.ts';
import type { LinksPage, Place } from './links/page.ts';
import { type Party, party } from './links/party.ts';

type Links = Window & { links: LinksPage };

let folder: string;
let server: Server;
let browser: Browser;
let context: BrowserContext;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'links-'));
  await build({
    configFile: false,
    root: new URL('./links', import.meta.url).pathname,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, modulePreload: { polyfill: false } },
  });
  const files = sirv(folder);
  server = createServer((request, response) => files(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  browser = await launch();
  context = await browser.newContext();
  await allowDevices(context, url);
});

afterAll(async () => {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
  cleanup();
});

const openPage = async (): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'links' in window);
  return page;
};

/** A party in a page, or in this process, seen alike. */
type Remote = { [K in keyof Party]: (...args: Parameters<Party[K]>) => Promise<ReturnType<Party[K]>> };

const inNode = (): Remote => {
  const own = party(nodeWrtc({ bindAddress: '127.0.0.1' }));
  const call = (name: keyof Party) => (arg: never) => Promise.resolve(own[name](arg));
  return remote(call);
};

const inPage = (page: Page): Remote =>
  remote(
    (name) => (arg: never) =>
      page.evaluate(([which, value]) => (window as unknown as Links).links.party[which](value as never), [
        name,
        arg,
      ] as const),
  );

const remote = (call: (name: keyof Party) => (arg: never) => Promise<unknown>): Remote => {
  const names = ['start', 'session', 'signal', 'send', 'received', 'state', 'close'] as const;
  return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as Remote;
};

const sessionOf = async (side: Remote): Promise<number[]> => {
  await expect.poll(() => side.session(), { timeout: 5_000 }).toBeDefined();
  return (await side.session()) as number[];
};

const connectAndClose = async (caller: Remote, callee: Remote): Promise<void> => {
  await callee.start(false);
  await caller.start(true);
  await callee.signal(await sessionOf(caller));
  await caller.signal(await sessionOf(callee));
  for (const side of [caller, callee]) {
    await expect.poll(async () => (await side.state()).open, { timeout: 10_000 }).toBe(true);
  }
  await caller.send([1, 2, 3]);
  await callee.send([4, 5]);
  await expect.poll(() => callee.received(), { timeout: 5_000 }).toEqual([[1, 2, 3]]);
  await expect.poll(() => caller.received(), { timeout: 5_000 }).toEqual([[4, 5]]);
  await caller.close();
  const ended = { channelClosed: true, peerClosed: true };
  await expect.poll(() => callee.state(), { timeout: 10_000 }).toMatchObject(ended);
};

const places: Place[] = ['page', 'worker', 'bridge'];

describe.each(places)('a link over WebRTC in Chromium, held by the %s', (place) => {
  let page: Page;
  beforeAll(async () => (page = await openPage()));
  afterAll(() => page.close());

  it.each(linkScenarios)('$name', async ({ name }) => {
    await page.evaluate(([where, what]) => (window as unknown as Links).links.run(where, what), [
      place,
      name,
    ] as const);
  });
});

describe('a link between', () => {
  it('two pages', async () => {
    const pages = [await openPage(), await openPage()] as const;
    await connectAndClose(inPage(pages[0]), inPage(pages[1]));
    for (const page of pages) await page.close();
  });

  // Both have races of the Node side's stack in them, which one link in a row may win.
  const often = Array.from({ length: 5 }, (_, n) => n + 1);

  it.each(often)('a page that calls and Node, %i', async () => {
    const page = await openPage();
    await connectAndClose(inPage(page), inNode());
    await page.close();
  });

  it.each(often)('Node that calls and a page, %i', async () => {
    const page = await openPage();
    await connectAndClose(inNode(), inPage(page));
    await page.close();
  });
});

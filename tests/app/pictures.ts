/**
 * `npm run pictures`: draws the pictures that the manifest names into web/public/pictures. Icons come from
 * web/ui/icon.svg; the screenshots show two people at a network that is started for them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { inState, message, openChat, write } from '#tests/support/thread.ts';

const web = join(import.meta.dirname, '../../web');
const folder = join(web, 'public/pictures');

/** Of 32: the glass without its ground reaches to 12.8 from the middle, which a mask may cut at exactly that. */
const MASKED = 0.86;

const svg = readFileSync(join(web, 'ui/icon.svg'), 'utf8');
const [, glyph = ''] = /<rect[^>]*>\s*(.*)<\/svg>/s.exec(svg) ?? [];
const ground = /<rect[^>]*fill="([^"]*)"/.exec(svg)?.[1] ?? '';

const drawing = (content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${content}</svg>`;
const within = (scale: number): string =>
  `<g transform="translate(16 16) scale(${String(scale)}) translate(-16 -16)">${glyph}</g>`;

const kinds = {
  icon: svg,
  maskable: drawing(`<rect width="32" height="32" fill="${ground}"/>${within(MASKED)}`),
  // Only what is covered counts, not by which colour.
  monochrome: drawing(within(1.15).replaceAll(/#[0-9a-f]{6}/g, '#000000')),
};

const icons = async (browser: Browser): Promise<void> => {
  const sizes: [keyof typeof kinds, number][] = [
    ['icon', 192],
    ['icon', 512],
    ['maskable', 192],
    ['maskable', 512],
    ['monochrome', 512],
  ];
  for (const [kind, size] of sizes) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(
      `<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${kinds[kind]}`,
    );
    await save(page, `${kind}-${String(size)}`);
    await page.close();
  }
};

const save = async (page: Page, name: string): Promise<void> =>
  writeFileSync(join(folder, `${name}.png`), await page.screenshot({ omitBackground: true }));

const says = async (from: Tab, to: Tab, text: string): Promise<void> => {
  await write(from, text);
  await message(to, text).waitFor();
  await inState(from, text, 'delivered');
};

const screenshots = async (browser: Browser): Promise<void> => {
  const network = await TestNetwork.start({ relays: 14, webDir });
  const person = async (name: string): Promise<Tab> => {
    const tab = await Tab.open(await newContext(browser, network.url), network.url);
    await tab.start(name);
    return tab;
  };
  const [robin, alder] = [await person('Robin'), await person('Alder')];
  await meet(robin.client, alder.client);
  await openChat(robin, 'Alder');
  await openChat(alder, 'Robin');
  await says(robin, alder, 'The tide tables are up. Low water is at six.');
  await says(alder, robin, 'Then we walk out at half past five.');
  await says(robin, alder, 'I bring the lamp. Nobody needs to know where.');
  const { page } = alder;
  await page.bringToFront();
  const allSeen = async (): Promise<boolean> =>
    (await alder.client.state()).conversations.every(({ unread }) => unread === 0);
  await eventually('everything is seen', allSeen);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.mouse.move(0, 0);
  await save(page, 'wide');
  await page.setViewportSize({ width: 390, height: 844 });
  await save(page, 'narrow');
  await network.stop();
};

mkdirSync(folder, { recursive: true });
const browser = await launch();
await icons(browser);
await screenshots(browser);
await browser.close();

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { violations } from './axe.ts';
import type { Tab } from './browser.ts';

/** Where the pictures of all screens are put. */
const FOLDER = 'test-results/screens';
const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
] as const;
const THEMES = ['light', 'dark'] as const;

/** Tries to bring back what has passed, and how long each may take. */
const MOST_TRIES = 12;
const TRY_MS = 5_000;

/**
 * A screen by its name, how one comes to it, and what is there then: a test id, or a selector. It may pass or close meanwhile
 * where `open` brings it back.
 */
export type Screen = { name: string; open: () => Promise<unknown>; shows: string };

/** A screen of a tab's that an address leads to. */
export const at = (tab: Tab, name: string, hash: string, shows: string): Screen => ({
  ...{ name, shows },
  open: () => tab.show(hash),
});

/** What is there already. */
export const here = (name: string, shows: string): Screen => ({
  ...{ name, shows },
  open: () => Promise.resolve(),
});

/** What is there once somebody has clicked on what a test calls so. */
export const clicked = (page: Page, name: string, on: string, shows: string): Screen => ({
  ...{ name, shows },
  open: () => page.getByTestId(on).first().click(),
});

/** What of a page is wider than the room that it has. */
const wider = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('html, main, aside, dialog[open]')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ tagName }) => `${tagName.toLowerCase()} is too wide`),
  );

/** In all sizes and both themes: a picture, what axe says, and what is too wide. */
const look = async (page: Page, { name, open, shows }: Screen): Promise<string[]> => {
  const wrong: string[] = [];
  const wanted = (shows.startsWith('[') ? page.locator(shows) : page.getByTestId(shows)).first();
  await open();
  await wanted.waitFor();
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (let tries = 1; (await wanted.count()) === 0; tries++) {
        if (tries > MOST_TRIES) throw new Error(`${name} is not there any more`);
        await open();
        // In a small window it may be in a part that is not shown.
        await wanted.waitFor({ state: 'attached', timeout: TRY_MS }).catch(() => undefined);
      }
      const which = `${name}-${String(size.width)}-${colorScheme}`;
      await page.screenshot({ path: join(FOLDER, `${which}.png`) });
      const found = [...(await wider(page)), ...(await violations(page))];
      wrong.push(...found.map((each) => `${which}: ${each}`));
    }
  }
  await page.setViewportSize(SIZES[0]);
  return wrong;
};

/** Looks at one screen after the other; fails when something is wrong with any of them. */
export const walk = async (page: Page, screens: Screen[]): Promise<void> => {
  mkdirSync(FOLDER, { recursive: true });
  const wrong: string[] = [];
  for (const screen of screens) wrong.push(...(await look(page, screen)));
  expect(wrong).toEqual([]);
};

import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DemoSite } from '#tests/support/demo-site.ts';
import type { Scene } from '#tests/support/fake-client.ts';
import { findChromium } from '#tests/support/programs.ts';

/** The screens in the languages of the app, over a fake core: one browser, and a context for each language. */
let site: DemoSite;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];

beforeAll(async () => {
  site = await DemoSite.start();
  browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
});

afterAll(async () => {
  await browser.close();
  await site.close();
});

afterEach(async () => {
  await context.close();
  expect(problems.filter((each) => !each.includes('404'))).toEqual([]);
});

const open = async (locale: string): Promise<void> => {
  context = await browser.newContext({ locale, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) problems.push(message.text());
  });
};

const show = async (scene: Scene, hash: string): Promise<void> => {
  await page.goto('about:blank');
  await page.goto(`${site.url}?scene=${scene}${hash}`);
  await page.locator('main').first().waitFor();
};

const html = (name: 'lang' | 'dir'): Promise<string | null> => page.locator('html').getAttribute(name);

/** Runs of letters that people see or hear, from the texts and the labels of the page. */
const wordsShown = (): Promise<string[]> =>
  page.evaluate(() => {
    const labels = ['aria-label', 'title', 'placeholder', 'alt'];
    const texts = [...document.body.querySelectorAll('*')].flatMap((element) => [
      ...labels.map((name) => element.getAttribute(name) ?? ''),
      ...[...element.childNodes]
        .filter(({ nodeType }) => nodeType === 3)
        .map((node) => node.textContent ?? ''),
    ]);
    return texts.map((text) => text.trim()).filter((text) => /\p{L}/u.test(text));
  });

const screens: [Scene, string[]][] = [
  ['busy', ['chats', 'chats/Ondine', 'chats/Mira/circuit', 'network', 'helping', 'invite/new', 'new-group']],
  [
    'people',
    [
      ...['profile', 'privacy', 'storage', 'backup', 'network', 'appearance', 'about'].map(
        (section) => `settings/${section}`,
      ),
      ...['chats/Rowan', 'chats/Kestrel/about', 'chats/Linden/compare'],
    ],
  ],
  ['thread', ['chats']],
  ['empty', ['welcome', 'welcome/restore']],
];

/** How far the page is wider than the window, on each screen at each width. */
const wider = async (): Promise<string[]> => {
  const found: string[] = [];
  for (const [scene, hashes] of screens) {
    await show(scene, `#/${hashes[0]!}`);
    for (const hash of hashes) {
      await page.evaluate((to) => void (location.hash = to), `#/${hash}`);
      // What a screen fetches for itself has come by then.
      await page.waitForLoadState('networkidle');
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 860 });
        const over = await page.evaluate(() => document.scrollingElement!.scrollWidth - innerWidth);
        if (over > 0) found.push(`${scene} ${hash} at ${String(width)}: ${String(over)} px`);
      }
    }
  }
  return found;
};

it('the language of the browser is the one of the app, and what it has none of is English', async () => {
  await open('de-AT');
  await show('quiet', '#/chats');
  expect([await html('lang'), await html('dir')]).toEqual(['de', 'ltr']);
  await page.getByText('Lade jemanden ein, dem du vertraust').first().waitFor();
  await context.close();
  await open('fr-FR');
  await show('quiet', '#/chats');
  expect(await html('lang')).toBe('en');
});

it('another one is chosen in the settings, holds at once, everywhere and for good', async () => {
  await open('en-GB');
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname.split('/').at(-1)!));
  const dictionary = (language: string): string[] =>
    fetched.filter((name) => name.startsWith(`${language}-`));
  await show('people', '#/settings/appearance');
  expect(['de', 'es', 'ar'].flatMap(dictionary)).toEqual([]);
  await page.getByTestId('language').selectOption('ar');
  await page.locator('html[dir=rtl][lang=ar]').waitFor({ state: 'attached' });
  await page.getByRole('heading', { name: 'المظهر' }).waitFor();
  expect(dictionary('ar')).toHaveLength(1);
  // Names, languages and keys apart, nothing that was drawn before stays English.
  const english = (await wordsShown()).filter((text) => !/[\u0621-\u064a]/.test(text));
  expect(english.filter((text) => !['English', 'Deutsch', 'Español'].includes(text))).toEqual(
    english.filter((text) => /^(Ctrl|Alt|Shift|Enter|Esc|Hourglass)\b/.test(text)),
  );
  await page.reload();
  expect([await html('lang'), await html('dir')]).toEqual(['ar', 'rtl']);
  await page.getByTestId('language').selectOption('es');
  await page.getByRole('heading', { name: 'Apariencia' }).waitFor();
  expect([await html('lang'), await html('dir')]).toEqual(['es', 'ltr']);
  await page.getByTestId('language').selectOption('');
  await page.getByRole('heading', { name: 'Appearance' }).waitFor();
});

it.each(['ar-EG', 'de-DE'])('nothing is wider than the window in %s', async (locale) => {
  await open(locale);
  expect(await wider()).toEqual([]);
});

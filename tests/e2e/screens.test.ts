import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeClient, Scene } from '#tests/support/fake-client.ts';
import { DemoSite } from '#tests/support/demo-site.ts';
import { fakePhrase, fakeSafetyCode } from '#tests/support/fake-people.ts';
import { findChromium } from '#tests/support/programs.ts';
import { qrVideo } from '#tests/support/qr-video.ts';

type Shown = typeof globalThis & { fake: FakeClient };

/** What a person does on the screens of contacts, groups and settings; the core behind them is a fake. */
let site: DemoSite;
let folder: string;
let browser: Browser;
let page: Page;
let problems: string[];

beforeAll(async () => {
  site = await DemoSite.start();
  folder = await mkdtemp(join(tmpdir(), 'screens-'));
  await writeFile(join(folder, 'camera.y4m'), qrVideo(fakeSafetyCode));
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${join(folder, 'camera.y4m')}`,
    ],
  });
});

afterAll(async () => {
  await browser.close();
  await site.close();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    acceptDownloads: true,
    permissions: ['camera'],
    reducedMotion: 'reduce',
  });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) problems.push(message.text());
  });
});

afterEach(async () => {
  await page.context().close();
  // Exceptions, and whatever the policy forbids, such as a style in a tag.
  expect(problems.filter((each) => !each.includes('404'))).toEqual([]);
});

const show = async (scene: Scene, hash: string): Promise<void> => {
  // From elsewhere, for another fragment alone would load nothing anew.
  await page.goto('about:blank');
  await page.goto(`${site.url}?scene=${scene}${hash}`);
};
const at = (id: string): Locator => page.getByTestId(id);
const hash = (): string => new URL(page.url()).hash;
const row = (name: string): Locator => at('conversation').filter({ hasText: name });
const focused = (id: string): Promise<unknown> =>
  page.waitForFunction((wanted) => document.activeElement?.getAttribute('data-testid') === wanted, id);

describe('invites', () => {
  it('one for a single person is there at once; for several it is made anew and the first one revoked', async () => {
    await show('people', '#/invite/new');
    const link = at('invite-link');
    const single = await link.innerText();
    await at('invite-reusable').click();
    await page.waitForFunction((old) => {
      const shown = document.querySelector('[data-testid=invite-link]')?.textContent;
      return shown && shown !== old;
    }, single);
    const reusable = await link.innerText();
    await at('invite-tab-open').click();
    const copies = await at('open-invite').count();
    expect(copies).toBe(3);
    await at('invite-tab-new').click();
    expect(await link.innerText()).toBe(reusable);
    await at('invite-tab-open').click();
    await at('invite-revoke').first().click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=open-invite]').length === 2);
  });

  it('a link is looked into before it is accepted, a name is asked for, and nonsense is named', async () => {
    await show('people', '#/invite');
    const field = at('invite-paste');
    await field.fill('nonsense');
    await at('invite-problem').waitFor();
    await field.fill('@Rowan.Tree');
    await at('handle-ask').click();
    await row('rowan.tree').waitFor();
    await show('people', '#/invite');
    await field.fill('https://hg.example.org/#i/abcdef');
    await at('invite-preview').getByText('Server hg.example.org').waitFor();
    await at('invite-accept').click();
    await page.waitForURL(/#\/chats\/Wren$/);
  });
});

describe('contacts', () => {
  it('a request is marked in the list, and accepted or refused in the thread', async () => {
    await show('people', '#/chats');
    await row('Rowan').getByTestId('badge').getByText('Wants to talk').waitFor();
    await row('Rowan').click();
    await at('request-accept').click();
    await at('composer').waitFor();
    await show('people', '#/chats/Rowan');
    await at('request-refuse').click();
    await page.waitForURL(/#\/chats$/);
    expect(await row('Rowan').count()).toBe(0);
  });

  it('a key that changed stops the sending until numbers were compared or the person goes on', async () => {
    await show('people', '#/chats/Kestrel');
    expect(await at('composer').count()).toBe(0);
    await at('key-continue').click();
    await at('composer').waitFor();
    await show('people', '#/chats/Kestrel');
    await at('key-compare').click();
    expect((await at('safety-number').locator('li').all()).length).toBe(12);
    await at('compare-match').click();
    await at('composer').waitFor();
    await at('verification').and(page.locator('[data-verified=yes]')).waitFor();
  });

  it('the code of the other screen is read by the camera; another code is not taken', async () => {
    await show('people', '#/chats/Linden/compare');
    await at('compare-scan').click();
    await at('compare-matched').waitFor();
    await show('people', '#/chats/Sorrel/compare');
    await page.context().clearPermissions();
    await at('compare-scan').click();
    await at('compare-code').fill('another code');
    await at('compare-check').click();
    await at('compare-mismatch').waitFor();
  });

  it('blocking asks first, and is undone in the thread or in the settings', async () => {
    await show('people', '#/chats/Mira/about');
    await at('block').click();
    await at('confirm-no').click();
    await focused('block');
    await at('block').click();
    await at('confirm-yes').click();
    await at('thread-unblock').waitFor();
    await page.goto(`${page.url().split('#')[0]!}#/settings/privacy`);
    await at('blocked-contact').filter({ hasText: 'Mira' }).getByTestId('settings-unblock').click();
    await page.goto(`${page.url().split('#')[0]!}#/chats/Mira`);
    await at('composer').waitFor();
  });
});

describe('groups', () => {
  it('one is made of contacts, renamed, added to, taken from, and left', async () => {
    await show('people', '#/chats');
    await at('new-group-open').click();
    await at('group-name').fill('Tide watch');
    for (const name of ['Mira', 'Linden']) await at('people').getByText(name).click();
    await at('group-create').click();
    await at('group-title').getByText('Tide watch').waitFor();
    expect(await at('member').count()).toBe(3);
    await at('rename').click();
    await at('rename-field').fill('Ebb watch');
    await at('rename-save').click();
    await row('Ebb watch').waitFor();
    await focused('rename');
    await at('add-people').click();
    await at('people').getByText('Sorrel').click();
    await at('add-members-go').click();
    await at('member').filter({ hasText: 'Sorrel' }).waitFor();
    await at('member').filter({ hasText: 'Linden' }).getByTestId('remove-member').click();
    await at('confirm-yes').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=member]').length === 3);
    await at('leave-group').click();
    await at('confirm-yes').click();
    await at('group-left').waitFor();
    expect(await at('composer').count()).toBe(0);
  });
});

describe('settings', () => {
  it('a picture is drawn anew as a small square JPEG', async () => {
    await show('people', '#/settings/profile');
    await at('picture-choose').waitFor();
    await at('picture-file').setInputFiles({
      name: 'me.png',
      mimeType: 'image/png',
      buffer: await page.screenshot(),
    });
    await at('picture-remove').waitFor();
    const picture = await page.evaluate(() => [...(globalThis as Shown).fake.state.profile.picture!]);
    expect(picture.slice(0, 3)).toEqual([0xff, 0xd8, 0xff]);
    expect(picture.length).toBeLessThanOrEqual(32_768);
    await at('picture-remove').click();
    await at('picture-choose').getByText('Choose').waitFor();
  });

  it('a passphrase is typed twice, and locking is offered then', async () => {
    await show('people', '#/settings/storage');
    await at('lock-set').click();
    await at('passphrase-new').fill('violin harbor amber ladder tunnel');
    await at('strength').and(page.locator('[data-strength=good]')).waitFor();
    await at('passphrase-again').fill('violin harbor amber');
    expect(await at('passphrase-save').isDisabled()).toBe(true);
    await at('passphrase-again').fill('violin harbor amber ladder tunnel');
    await at('passphrase-save').click();
    await at('lock-now').waitFor();
    await at('lock-remove').click();
    await at('confirm-yes').click();
    await at('lock-state').and(page.locator('[data-locked=false]')).waitFor();
  });

  it('no backup is made before three of the words came back right; then the file can be tested', async () => {
    await show('people', '#/settings/backup');
    expect(await at('backup-save').isDisabled()).toBe(true);
    await at('phrase-show').click();
    expect(await at('phrase').locator('b').allInnerTexts()).toEqual(fakePhrase);
    await at('phrase-written').click();
    for (const field of await at('phrase-check').all()) await field.fill('wrong');
    await at('phrase-check-go').click();
    await at('phrase-wrong').waitFor();
    for (const field of await at('phrase-check').all())
      await field.fill(` ${fakePhrase[Number(await field.getAttribute('data-at'))]!.toUpperCase()} `);
    await at('phrase-check-go').click();
    await at('phrase-state').and(page.locator('[data-kept=true]')).waitFor();
    const download = page.waitForEvent('download');
    await at('backup-save').click();
    const saved = await download;
    expect(saved.suggestedFilename()).toMatch(/^hourglass-\d{4}-\d\d-\d\d\.backup$/);
    await at('backup-test').click();
    await at('backup-file').setInputFiles(await saved.path());
    await at('word').first().fill(fakePhrase.join(' '));
    await at('backup-look').click();
    await at('backup-contents').getByText('9 contacts').waitFor();
    await at('dialog-close').click();
    await at('server-backup').click();
    await at('server-backup-state').getByText('65.5 kB').waitFor();
  });

  it('everything is erased by a hold of two seconds, and not by a click', async () => {
    await show('people', '#/settings/storage');
    await page.evaluate(() => {
      const { fake } = globalThis as Shown;
      fake.api.eraseEverything = () => {
        document.body.dataset['erased'] = 'yes';
        return new Promise(() => undefined);
      };
    });
    await at('erase').click();
    await at('hold').click();
    await at('hold').getByText('Hold for two seconds').waitFor();
    expect(await page.locator('[data-erased]').count()).toBe(0);
    await at('hold').hover();
    await page.mouse.down();
    await page.locator('[data-erased]').waitFor({ state: 'attached' });
    await page.mouse.up();
    await at('hold').getByText('Erasing').waitFor();
  });

  it('a wrong phrase opens no backup on the first screen, the right one does', async () => {
    await show('empty', '#/welcome');
    await at('have-backup').click();
    await at('from-server').check();
    await at('word').first().fill(fakePhrase.toReversed().join(' '));
    await at('backup-look').click();
    await at('backup-problem').waitFor();
    await at('word').first().fill(fakePhrase.join(' '));
    await at('backup-look').click();
    await at('restore-go').waitFor();
  });
});

it('dialogs hold the focus and give it back', async () => {
  await show('people', '#/chats');
  await at('invite').focus();
  await page.keyboard.press('Enter');
  await at('invite-link').waitFor();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(() => {
      const on = document.activeElement;
      return on === document.body || on?.closest('dialog') !== null;
    });
    expect(inside).toBe(true);
  }
  await page.keyboard.press('Escape');
  await page.waitForURL(/#\/chats$/);
  await focused('invite');
  expect(hash()).toBe('#/chats');
});

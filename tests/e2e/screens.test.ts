import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeClient, Scene } from '#tests/support/fake-client.ts';
import { DemoSite } from '#tests/support/demo-site.ts';
import { fakePhrase, fakeSafetyCode } from '#tests/support/fake-people.ts';
import { launch } from '#tests/support/browser.ts';
import { qrVideo } from '#tests/support/qr-video.ts';
import { MOST } from '#web/ui/view/window.ts';

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
  browser = await launch([
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${join(folder, 'camera.y4m')}`,
  ]);
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
    await at('open-invite').first().waitFor();
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
    const groups = at('safety-number').locator('li');
    await groups.first().waitFor();
    expect(await groups.count()).toBe(12);
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
    await at('member').first().waitFor();
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

describe('a conversation of ten thousand messages', () => {
  type Look = { drawn: number; first: string; moved: number };
  /** Scrolls to the top or the end of what is drawn; how far the line that stood there then moved in sight. */
  const scroll = (to: 'top' | 'end'): Promise<Look> =>
    page.evaluate(async (where) => {
      const log = document.querySelector('[data-testid=log]')!;
      const lines = (): Element[] => [...log.querySelectorAll('li[data-line]')];
      const frames = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await new Promise((done) => requestAnimationFrame(done));
      };
      log.scrollTop = where === 'top' ? 0 : log.scrollHeight;
      const edge = where === 'top' ? lines()[0]! : lines().at(-1)!;
      const before = edge.getBoundingClientRect().top;
      await frames(3);
      const moved = edge.isConnected ? Math.abs(edge.getBoundingClientRect().top - before) : 10_000;
      const first = log.querySelector('[data-testid=message-text]')?.textContent ?? '';
      return { drawn: lines().length, first: first.split('.')[0] ?? '', moved };
    }, to);

  it('is drawn in parts, of which what is in sight stays in its place', { timeout: 60_000 }, async () => {
    await show('long', '#/chats/Mira');
    await at('message-text').getByText('Message 10000.').waitFor();
    const looks = [await scroll('top')];
    for (let i = 0; i < 12; i++) looks.push(await scroll('top'));
    expect(looks.at(-1)!.first).not.toBe(looks[0]!.first);
    await page.locator('li[data-line]').first().press('Home');
    looks.push(await scroll('top'));
    expect(looks.at(-1)!.first).toBe('Message 1');
    for (let i = 0; i < 10; i++) looks.push(await scroll('end'));
    expect(looks.at(-1)!.first).not.toBe('Message 1');
    for (const { drawn, moved } of looks) {
      expect(drawn).toBeLessThanOrEqual(MOST);
      expect(moved).toBeLessThan(2);
    }
    await at('newest').click();
    await at('message-text').getByText('Message 10000.').waitFor();
    expect(await page.locator('li[data-line]').count()).toBeLessThan(MOST);
  });

  it('shows what is written in it, from wherever one was', async () => {
    await show('long', '#/chats/Mira');
    await at('message-text').getByText('Message 10000.').waitFor();
    for (let i = 0; i < 6; i++) await scroll('top');
    await at('composer').fill('Here I am');
    await at('send').click();
    await at('message-text').getByText('Here I am').waitFor();
    await page.waitForFunction(() => {
      const log = document.querySelector('[data-testid=log]')!;
      return log.scrollHeight - log.scrollTop - log.clientHeight < 5;
    });
  });
});

describe('settings', () => {
  it('cover is chosen among three levels, and what it costs at present stands beneath', async () => {
    await show('people', '#/settings/privacy');
    expect(await at('cover-off').isChecked()).toBe(true);
    expect(await at('cover-cost').count()).toBe(0);
    await at('cover-full').check();
    const cost = await at('cover-cost').innerText();
    expect(cost).toBe('Now: 8.6 kB/s up, 8.6 kB/s down');
    await at('cover-off').check();
    await at('cover-cost').waitFor({ state: 'detached' });
  });

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
    await at('phrase').waitFor();
    expect(await at('phrase').locator('b').allInnerTexts()).toEqual(fakePhrase);
    await at('phrase-written').click();
    await at('phrase-check').first().waitFor();
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

describe('the first screens', () => {
  it('lead from a name over the check to an invite, and back', async () => {
    await show('empty', '#/welcome');
    await at('name').fill('Alder');
    await at('start').click();
    await at('check').waitFor();
    expect(await at('check-row').evaluateAll((rows) => rows.length)).toBe(5);
    await at('steps-back').click();
    expect(await at('name').inputValue()).toBe('Alder');
    await at('name').fill('Alder Tree');
    await at('start').click();
    await at('steps-next').click();
    await at('invite-link').waitFor();
    await at('steps-turn').click();
    await at('invite-paste').waitFor();
    await page.goBack();
    await at('check').waitFor();
    await page.goForward();
    await at('steps-done').click();
    await at('invite').waitFor();
    expect(hash()).toBe('#/chats');
    expect(await page.evaluate(() => (globalThis as Shown).fake.state.profile.name)).toBe('Alder Tree');
  });

  it('are skipped by one click, and are not there for who comes back', async () => {
    await show('empty', '#/welcome');
    await at('start').click();
    await at('steps-skip').click();
    await at('invite').waitFor();
    await show('quiet', '#/welcome');
    await at('invite').waitFor();
    expect(hash()).toBe('#/chats');
  });
});

describe('the connection check', () => {
  it('is reached from where something is missing, and says what to do', async () => {
    await show('blocked', '#/chats');
    await at('status').click();
    await at('check-row').and(page.locator('[data-name=webrtc][data-state=failed]')).waitFor();
    await at('check-row').filter({ hasText: 'ahead of the server’s' }).waitFor();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await at('check-copy').click();
    await at('check-copy').getByText('Copied').waitFor();
    const report = await page.evaluate(() => navigator.clipboard.readText());
    expect(report).toContain('Peer-to-peer links (WebRTC): Failed.');
    await show('busy', '#/settings/network');
    await at('settings-check').click();
    await at('check').and(page.locator('[data-state=ok]')).waitFor();
  });
});

describe('the live views', () => {
  it('a lost hop is named, and what each hop is for and can see', async () => {
    await show('lost', '#/chats/Mira/circuit');
    await at('circuit-state').and(page.locator('[data-standing=lost]')).waitFor();
    await at('circuit-more').getByText('Lost hop 2. Rebuilding').waitFor();
    await show('slow', '#/chats/Mira/circuit');
    await at('circuit-state').and(page.locator('[data-standing=slow]')).waitFor();
    await at('circuit-why').press('Enter');
    await page.getByText('Drawn anew for each circuit').waitFor();
    await at('circuit-list').waitFor();
    expect(await at('circuit-list').locator('li').count()).toBe(7);
  });

  it('who has no neighbour is told what is tried, can try at once, and check', async () => {
    await show('alone', '#/network');
    await at('looking').getByText('try 3, next in').waitFor();
    await at('look-again').click();
    await at('looking').getByText('try 4.').waitFor();
    await at('looking-check').click();
    await at('check').waitFor();
    await show('busy', '#/network');
    await at('most-neighbours').selectOption('5');
    await at('most-neighbours').and(page.locator('[aria-describedby]')).waitFor();
    await at('link').first().waitFor();
    const before = await at('link').count();
    await at('neighbour-add').click();
    await at('notice').getByText('Linking to').waitFor();
    expect(await at('link').count()).toBe(before + 1);
  });

  it('limits to helping are set, and a pause says why', async () => {
    await show('busy', '#/helping');
    await at('limit-day').selectOption('1000');
    await at('limit-used').getByText('of 1 GB today').waitFor();
    await at('limit-rate').selectOption('250');
    await at('limit-onlyVisible').click();
    const limits = await page.evaluate(() => (globalThis as Shown).fake.state.relaying.limits);
    expect(limits).toMatchObject({ dayMegabytes: 1000, kilobytesPerSecond: 250, onlyVisible: true });
    await show('paused', '#/helping');
    await at('helping-lead').and(page.locator('[data-paused=day]')).waitFor();
  });
});

import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, pretendedDevices, webDir, type Tab } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { TestNetwork } from '#tests/support/test-network.ts';
import { openChat, PATIENCE_MS, person } from '#tests/support/thread.ts';

const MEGABYTE = 1_000_000;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

type Watching = typeof globalThis & { steps: number[] };

describe('files between two people', () => {
  let network: TestNetwork;
  let browser: Browser;
  let ada: Tab;
  let bea: Tab;

  const last = ({ page }: Tab): Locator => page.getByTestId('file').last();
  const named = ({ page }: Tab, name: string): Locator =>
    page.getByTestId('file').filter({ has: page.getByTitle(name).or(page.getByAltText(`Picture ${name}`)) });
  const doneOf = async (file: Locator): Promise<number> => Number(await file.getAttribute('data-done'));

  /** Attaches and sends; resolves once the other sees that there is something to take. */
  const offers = async (name: string, bytes: Buffer, type = 'application/octet-stream'): Promise<void> => {
    await ada.page.getByTestId('file-input').setInputFiles({ name, mimeType: type, buffer: bytes });
    await ada.page.locator('[data-testid=attached]:not([data-state=preparing])').waitFor();
    await ada.page.getByTestId('send').click();
    await named(ada, name).waitFor();
    await named(bea, name).getByTestId('file-take').waitFor();
  };

  /** From now on, what is said of the last file's way. */
  const watch = ({ page }: Tab): Promise<void> =>
    page.evaluate(() => {
      const seen: number[] = [];
      (globalThis as Watching).steps = seen;
      const files = document.querySelectorAll<HTMLElement>('[data-testid=file]');
      const file = files[files.length - 1];
      const look = (): void => void seen.push(Number(file?.dataset['done']));
      if (file) new MutationObserver(look).observe(file, { attributeFilter: ['data-done'] });
    });
  const steps = ({ page }: Tab): Promise<number[]> => page.evaluate(() => (globalThis as Watching).steps);

  const saved = async (tab: Tab, name: string): Promise<Buffer> => {
    const download = tab.page.waitForEvent('download');
    await named(tab, name).getByTestId('file-save').click();
    expect((await download).suggestedFilename()).toBe(name);
    return readFile(await (await download).path());
  };

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6, webDir });
    browser = await launch(pretendedDevices);
    const tabs = await Promise.all(['Ada', 'Bea'].map((name) => person(browser, network.url, name)));
    [ada, bea] = tabs as [Tab, Tab];
    await meet(bea.client, ada.client);
    await openChat(ada, 'Bea');
    await openChat(bea, 'Ada');
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('a large one crosses, and both see how far it is', async () => {
    const bytes = randomBytes(3 * MEGABYTE);
    await offers('film.bin', bytes);
    await named(ada, 'film.bin').getByText('waits to be taken').waitFor();
    await named(bea, 'film.bin').getByText('not fetched yet').waitFor();
    for (const tab of [ada, bea]) await watch(tab);
    await named(bea, 'film.bin').getByTestId('file-take').click();
    for (const tab of [ada, bea]) await named(tab, 'film.bin').getByTestId('file-save').waitFor();
    for (const tab of [ada, bea]) {
      const seen = await steps(tab);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(seen.filter((done) => done > 0 && done < bytes.length).length).toBeGreaterThan(2);
      expect(seen.at(-1)).toBe(bytes.length);
    }
    expect(sha256(await saved(bea, 'film.bin'))).toBe(sha256(bytes));
  });

  it('one that is cancelled goes no further, and both see it', async () => {
    await offers('dull.bin', randomBytes(4 * MEGABYTE));
    await named(bea, 'dull.bin').getByTestId('file-take').click();
    await named(ada, 'dull.bin').getByTestId('file-progress').waitFor();
    await named(bea, 'dull.bin').getByTestId('file-progress').waitFor();
    await named(ada, 'dull.bin').getByTestId('file-cancel').click();
    for (const tab of [ada, bea]) {
      await named(tab, 'dull.bin').getByText('cancelled').waitFor();
      expect(await named(tab, 'dull.bin').getByTestId('file-progress').count()).toBe(0);
      expect(await named(tab, 'dull.bin').getByTestId('file-save').count()).toBe(0);
    }
  });

  it('one goes on where it was when the page that takes it is loaded anew', async () => {
    const bytes = randomBytes(4 * MEGABYTE);
    await offers('long.bin', bytes);
    await named(bea, 'long.bin').getByTestId('file-take').click();
    const part = bytes.length / 8;
    await expect
      .poll(() => doneOf(named(bea, 'long.bin')), { timeout: PATIENCE_MS, interval: 20 })
      .toBeGreaterThan(part);
    await bea.reload();
    await openChat(bea, 'Ada');
    await named(bea, 'long.bin').waitFor();
    expect(await doneOf(named(bea, 'long.bin'))).toBeGreaterThan(part);
    for (const tab of [ada, bea]) await named(tab, 'long.bin').getByTestId('file-save').waitFor();
    expect(sha256(await saved(bea, 'long.bin'))).toBe(sha256(bytes));
  });

  it('a picture is seen small before it is fetched, and whole afterwards', async () => {
    await offers('sea.png', Buffer.from(await noise(ada)), 'image/png');
    const shown = bea.page.getByTestId('picture');
    await bea.page.locator('[data-testid=picture][data-shown=preview] img').waitFor();
    expect(Number(await last(bea).getAttribute('data-size'))).toBeGreaterThan(65_536);
    await last(bea).getByTestId('file-take').click();
    await bea.page.locator('[data-testid=picture][data-shown=whole] img').waitFor();
    await shown.click();
    const whole = bea.page.getByTestId('lightbox').locator('img');
    const size = (): Promise<number[]> =>
      whole.evaluate(({ naturalWidth, naturalHeight }: HTMLImageElement) => [naturalWidth, naturalHeight]);
    await expect.poll(size).toEqual([400, 300]);
    await bea.page.keyboard.press('Escape');
  });

  it('a voice note is recorded here and heard there', async () => {
    await ada.page.getByTestId('record').click();
    await ada.page.getByTestId('voice-lasted').getByText('00:02').waitFor();
    await ada.page.getByTestId('voice-send').click();
    await bea.page.locator('[data-testid=file][data-kind=voice][data-state=done]').waitFor();
    expect(await last(bea).getByTestId('voice-time').textContent()).toMatch(/^00:0[2-9]$/);
    const sound = last(bea).locator('audio');
    const heard = (): Promise<number> => sound.evaluate((audio: HTMLAudioElement) => audio.currentTime);
    await last(bea).getByTestId('voice-play').click();
    await last(bea).locator('[data-testid=voice-play][data-playing=true]').waitFor();
    await expect.poll(heard, { timeout: PATIENCE_MS }).toBeGreaterThan(1);
    await last(bea).locator('[data-testid=voice-play][data-playing=false]').waitFor();
  });

  it('meet no error', () => {
    expect([ada, bea].flatMap(({ problems }) => problems)).toEqual([]);
  });
});

/** A PNG of 400 by 300 pixels that does not compress. */
const noise = ({ page }: Tab): Promise<number[]> =>
  page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [400, 300];
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no canvas');
    const image = context.createImageData(400, 300);
    for (let at = 0; at < image.data.length; at += 60_000)
      crypto.getRandomValues(image.data.subarray(at, at + 60_000));
    image.data.forEach((_, at) => at % 4 === 3 && (image.data[at] = 255));
    context.putImageData(image, 0, 0);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))];
  });

import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as image from '#web/media/image.ts';
import type * as voice from '#web/media/voice.ts';
import { launch, pretendedDevices } from '#tests/support/browser.ts';

const ORIGIN = 'http://127.0.0.1:9';
const media = join(import.meta.dirname, '../../web/media');

/** A page with nothing in it but the two modules. */
const PAGE = `<!doctype html><script type="module">
import * as image from '/image.ts';
import * as voice from '/voice.ts';
globalThis.media = { ...image, ...voice };
</script>`;

type Media = typeof image & typeof voice;
type Loaded = typeof globalThis & { media: Media };

type Image = { type: string; size: number; cleaned: boolean; preview: number[] | null; content: number[] };

/** EXIF (APP1) with an orientation of a quarter turn, and a text that no picture needs. */
const exif = (): number[] => {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
  const body = [...Buffer.from('Exif\0\0'), ...tiff, ...Buffer.from('GPS 52.5200 N')];
  return [0xff, 0xe1, 0, body.length + 2, ...body];
};

describe('in a browser', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launch(pretendedDevices);
    page = await browser.newPage();
    await page.route(`${ORIGIN}/**`, async (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      if (name === '') return route.fulfill({ contentType: 'text/html', body: PAGE });
      const body = stripTypeScriptTypes(await readFile(join(media, name), 'utf8'));
      return route.fulfill({ contentType: 'text/javascript', body });
    });
    await page.goto(ORIGIN);
    await page.waitForFunction(() => 'media' in globalThis);
  });
  afterAll(() => browser.close());

  /** A picture of 600 by 300 pixels, red on its left, or noise. */
  const picture = (type: string, noise = false): Promise<number[]> =>
    page.evaluate(
      async ({ type, noise }) => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [600, 300];
        const context = canvas.getContext('2d');
        if (!context) throw new Error('no canvas');
        context.fillStyle = 'blue';
        context.fillRect(0, 0, 600, 300);
        context.fillStyle = 'red';
        context.fillRect(0, 0, 300, 300);
        if (noise) {
          const image = context.getImageData(0, 0, 600, 300);
          let value = 1;
          image.data.forEach((_, at) => {
            value = (value * 1_103_515_245 + 12_345) % 2 ** 31;
            image.data[at] = at % 4 === 3 ? 255 : value >> 16;
          });
          context.putImageData(image, 0, 0);
        }
        const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, 0.95));
        return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))];
      },
      { type, noise },
    );

  const prepared = (bytes: number[], type: string): Promise<Image> =>
    page.evaluate(
      async ({ bytes, type }) => {
        const { prepareImage } = (globalThis as Loaded).media;
        const { content, preview, ...rest } = await prepareImage(new Blob([new Uint8Array(bytes)], { type }));
        const all = [...new Uint8Array(await content.arrayBuffer())];
        return { ...rest, size: content.size, preview: preview && [...preview], content: all };
      },
      { bytes, type },
    );

  /** Its size, and the colour near its top left corner. */
  const look = (bytes: number[]): Promise<{ width: number; height: number; colour: number[] }> =>
    page.evaluate(async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      const context = canvas.getContext('2d');
      context?.drawImage(bitmap, 0, 0);
      const colour = [...(context?.getImageData(5, 5, 1, 1).data ?? [])];
      return { width: bitmap.width, height: bitmap.height, colour };
    }, bytes);

  it('a JPEG keeps its picture, the way it is held, and nothing else', async () => {
    const bytes = await picture('image/jpeg');
    const told = [...bytes.slice(0, 2), ...exif(), ...bytes.slice(2)];
    expect(Buffer.from(told).includes('GPS')).toBe(true);
    const image = await prepared(told, 'image/jpeg');
    expect(image).toMatchObject({ type: 'image/jpeg', cleaned: true });
    expect(Buffer.from(image.content).includes('Exif')).toBe(false);
    expect(Buffer.from(image.content).includes('GPS')).toBe(false);
    const { width, height, colour } = await look(image.content);
    expect([width, height]).toEqual([300, 600]);
    expect(colour[0]).toBeGreaterThan(200);
  });

  it('a PNG stays one without its texts, whatever it is called', async () => {
    const bytes = await picture('image/png');
    const text = [0, 0, 0, 9, ...Buffer.from('tEXtAuthor\0me')];
    // Its checksum, made beforehand.
    const told = [...bytes.slice(0, 33), ...text, ...crc(text.slice(4)), ...bytes.slice(33)];
    const image = await prepared(told, 'image/jpeg');
    expect(image).toMatchObject({ type: 'image/png', cleaned: true });
    expect(Buffer.from(image.content).includes('Author')).toBe(false);
    expect(await look(image.content)).toMatchObject({ width: 600, height: 300, colour: [255, 0, 0, 255] });
  });

  it.each([false, true])('a preview is a JPEG that fits; of noise: %s', async (noise) => {
    const { preview } = await prepared(await picture('image/jpeg', noise), 'image/jpeg');
    expect(preview?.length).toBeLessThanOrEqual(8192);
    expect(preview?.slice(0, 3)).toEqual([0xff, 0xd8, 0xff]);
  });

  it('what is no such picture is as it was, and said to be so', async () => {
    const bytes = [...Buffer.from('GIF89a but not really')];
    expect(await prepared(bytes, 'image/gif')).toMatchObject({
      ...{ type: 'image/gif', cleaned: false, content: bytes, preview: null },
    });
    expect(await prepared([1, 2, 3], 'image/jpeg')).toMatchObject({
      ...{ type: 'application/octet-stream', cleaned: false },
    });
  });

  it('a picture that cannot be drawn anew is refused', async () => {
    await expect(prepared([0xff, 0xd8, 0xff, ...exif()], 'image/jpeg')).rejects.toThrow(/cannot be read/);
  });

  it('a voice note has a length and peaks', async () => {
    const note = await page.evaluate(async () => {
      const { recordVoice } = (globalThis as Loaded).media;
      const recording = await recordVoice();
      // The fake microphone beeps once a second.
      let loudest = 0;
      const heard = new Promise<void>((done) => {
        const look = (): void => {
          loudest = Math.max(loudest, recording.level());
          if (loudest > 0.01) done();
          else requestAnimationFrame(look);
        };
        look();
      });
      await heard;
      const { content, durationMs, peaks } = await recording.stop();
      return { type: content.type, size: content.size, durationMs, peaks, loudest };
    });
    expect(note.type).toMatch(/^audio\/webm/);
    expect(note.size).toBeGreaterThan(100);
    expect(note.durationMs).toBeGreaterThan(0);
    expect(note.peaks.length).toBe(64);
    expect(Math.max(...note.peaks)).toBe(255);
  });
});

/** CRC-32 (PNG, annex D). */
const crc = (bytes: number[]): number[] => {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  const end = Buffer.alloc(4);
  end.writeUInt32BE((value ^ 0xffffffff) >>> 0);
  return [...end];
};

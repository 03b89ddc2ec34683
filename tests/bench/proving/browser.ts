import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sirv from 'sirv';
import { build } from 'vite';
import { launch } from '#tests/support/browser.ts';
import type { Page } from './messages.ts';

/** Calls one of the page's functions. */
export type CallPage = <K extends keyof Page>(
  name: K,
  ...args: Parameters<Page[K]>
) => Promise<Awaited<ReturnType<Page[K]>>>;

/** `work` with the page of this folder, built as the app is, in a Chromium; `files` are at the site's root by their names. */
export const inBrowser = async <T>(
  files: Readonly<Record<string, string>>,
  work: (call: CallPage, version: string) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-proving-'));
  try {
    await build({
      root: import.meta.dirname,
      configFile: false,
      logLevel: 'error',
      worker: { format: 'es' },
      build: { outDir: folder, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    });
    for (const [name, path] of Object.entries(files)) copyFileSync(path, join(folder, name));
    return await served(folder, work);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const served = async <T>(
  folder: string,
  work: (call: CallPage, version: string) => Promise<T>,
): Promise<T> => {
  const server = createServer(sirv(folder)).listen(0, '127.0.0.1');
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`);
    const call = (name: string, ...args: unknown[]): Promise<unknown> => tab.evaluate(inPage, { name, args });
    return await work(call as CallPage, browser.version());
  } finally {
    await browser.close();
    server.close();
  }
};

/** Runs in the page. */
const inPage = ({ name, args }: { name: string; args: unknown[] }): unknown => {
  const { bench } = globalThis as unknown as { bench: Record<string, (...all: unknown[]) => unknown> };
  return bench[name]?.(...args);
};

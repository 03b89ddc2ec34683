import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser } from 'playwright-core';
import { allowDevices, launchArgs, Tab } from '#tests/support/browser.ts';
import { findChromium } from '#tests/support/programs.ts';

/** A Chromium in a process of its own, which can be killed and begins anew with what it had kept. */
export class MortalBrowser {
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'hourglass-browser-'));
  #process: ChildProcess | undefined;
  #browser: Browser | undefined;

  /** Starts it, with one tab. */
  async open(url: string): Promise<Tab> {
    const args = [...launchArgs, '--headless', '--no-first-run', '--remote-debugging-port=0'];
    const child = spawn(findChromium(), [...args, `--user-data-dir=${this.#dataDir}`], {
      // A group of its own: its many processes are killed together.
      ...{ detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    });
    this.#process = child;
    this.#browser = await chromium.connectOverCDP(await endpointOf(child), { timeout: 60_000 });
    const [context] = this.#browser.contexts();
    if (!context) throw new Error('the browser has no context');
    await allowDevices(context, url);
    return Tab.open(context, url);
  }

  /** As when the machine runs out of memory: nothing is told, and nothing is written any more. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    const gone = new Promise((done) => child.once('exit', done));
    process.kill(-child.pid, 'SIGKILL');
    await gone;
    this.#process = undefined;
    await this.#browser?.close();
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Where it says that it can be driven from. */
const endpointOf = async ({ stderr }: ChildProcess): Promise<string> => {
  if (!stderr) throw new Error('the browser says nothing');
  for await (const line of createInterface({ input: stderr })) {
    const [, endpoint] = /DevTools listening on (ws:\S+)/.exec(line) ?? [];
    if (endpoint === undefined) continue;
    stderr.resume();
    return endpoint;
  }
  throw new Error('the browser did not start');
};

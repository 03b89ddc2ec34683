import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext } from 'playwright-core';
import { build, type Plugin } from 'vite';

/**
 * What a dishonest tab does with the circuits of others, while it goes on answering heartbeats: throws their cells away, holds
 * them for seconds, or takes none and only says that it does.
 */
export type Sabotage = 'drop' | 'delay' | 'fake';

const HELD_MS = 3_000;

/** Source, and what stands in its place in the app of a dishonest tab. */
const changes: Record<string, readonly [string, string]> = {
  'shared/node/relay-circuit.ts': [
    "if (opened.kind === 'deliver') return this.#onMessage(opened.message, opened.early);",
    `if (opened.kind === 'deliver') return this.#onMessage(opened.message, opened.early);
    if (cell.command === cellCommand.RELAY) {
      if (globalThis.sabotage === 'drop') return;
      if (globalThis.sabotage === 'delay') return void setTimeout(() => this.#passOn(opened), ${String(HELD_MS)});
    }
    this.#passOn(opened);
  }

  #passOn(opened) {
    if (this.#state !== 'open') return;`,
  ],
  'shared/node/relays.ts': ['if (!serving() ||', "if (globalThis.sabotage === 'fake' || !serving() ||"],
};

const plugin = (): Plugin => ({
  name: 'sabotage',
  enforce: 'pre',
  transform(code, id) {
    const change = Object.entries(changes).find(([file]) => id.endsWith(file))?.[1];
    if (!change) return undefined;
    const [honest, dishonest] = change;
    if (code.split(honest).length !== 2) throw new Error(`${id} is not what the sabotage was made for`);
    return code.replace(honest, () => dishonest);
  },
});

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** The app, built anew with dishonest relaying in it. */
export class SabotagedApp {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<SabotagedApp> {
    const folder = mkdtempSync(join(tmpdir(), 'hourglass-sabotage-'));
    await build({
      configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
      root: fileURLToPath(new URL('../../web', import.meta.url)),
      logLevel: 'error',
      plugins: [plugin()],
      worker: { format: 'es', plugins: () => [plugin()] },
      build: { outDir: folder, emptyOutDir: true, minify: false },
    });
    return new SabotagedApp(folder);
  }

  /** From here on the pages of `context` run this app in place of the one that the server at `url` serves. */
  async serve(context: BrowserContext, url: string, sabotage: Sabotage): Promise<void> {
    // A page that comes from here and not from the server has no place on the network, and may ask for none on this machine.
    const permissions = ['local-network-access', 'microphone', 'camera'];
    await context.grantPermissions(permissions, { origin: new URL(url).origin });
    await context.route(`${url}/**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = join(this.#folder, pathname === '/' ? 'index.html' : pathname);
      if (!existsSync(file)) return route.continue();
      const contentType = types[extname(file)] ?? 'application/octet-stream';
      const content = readFileSync(file);
      const body = file.endsWith('.js')
        ? `globalThis.sabotage = '${sabotage}';\n${String(content)}`
        : content;
      await route.fulfill({ body, contentType });
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

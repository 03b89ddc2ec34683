import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import sirv from 'sirv';
import { build } from 'vite';
import { securityHeaders } from '#server/headers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The screens over the fake client, built and served under the app's own policy. */
export class DemoSite {
  readonly url: string;
  readonly close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async start(): Promise<DemoSite> {
    const folder = await mkdtemp(join(tmpdir(), 'demo-'));
    await build({
      configFile: false,
      root,
      logLevel: 'error',
      plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
      build: {
        outDir: folder,
        emptyOutDir: true,
        assetsInlineLimit: 0,
        minify: false,
        modulePreload: { polyfill: false },
        rolldownOptions: { input: join(root, 'tests/ui/demo.html') },
      },
    });
    const files = sirv(folder);
    const server = createServer((request, response) => {
      for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
      files(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new DemoSite(`http://127.0.0.1:${String(port)}/tests/ui/demo.html`, async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    });
  }
}

/** The screens over a fake client: `npx vite --config tests/ui/vite.demo.config.ts`, then /tests/ui/demo.html. */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { UserConfig } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

const config: UserConfig = {
  root,
  cacheDir: fileURLToPath(new URL('../../node_modules/.vite-demo', import.meta.url)),
  plugins: [svelte({ configFile: false })],
  server: { port: 5199, host: '127.0.0.1', strictPort: true, hmr: false },
  optimizeDeps: { entries: ['tests/ui/demo.html'] },
};

// Vite reads its configuration from the default export.
export default config;

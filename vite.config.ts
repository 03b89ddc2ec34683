import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { release } from './release/plugin.ts';

/**
 * The web app. Root is `web/`, output `dist/web`, which the directory server serves.
 *
 * The content security policy of that server allows no inline script and no `data:` font or script, and Trusted
 * Types are enforced. So nothing is inlined, and the core's worker is imported as
 * `import url from './core/worker.ts?worker&url'`, whose URL then goes through the page's own Trusted Types policy.
 */
export default defineConfig({
  root: 'web',
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), release()],
  worker: { format: 'es' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: ['chrome120', 'edge120', 'firefox121', 'safari17.4'],
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

/** The app as its next release would be: `npx vite build --config tests/support/next-release.config.ts --outDir …`. */
import type { UserConfig } from 'vite';
import base from '../../vite.config.ts';

const config: UserConfig = {
  ...base,
  plugins: [
    ...(base.plugins ?? []),
    {
      name: 'next-release',
      transform: (code, id) =>
        id.endsWith('/web/main.ts') ? `${code}\ndocument.documentElement.dataset.release = 'next';\n` : null,
    },
  ],
};

// Vite reads its configuration from the default export.
export default config;

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, type Rolldown } from 'vite';
import { compress, hashesOf, LIST, pathsIn, sha256, WORKER, type ReleaseList } from './files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Fetched when it is needed, and kept from then on: what proves contribution. */
const PROVING = /^\/assets\/(prover\.worker-.*\.js|.*\.wasm|.*\.zkey)$/;
/** For whoever installs the app, and never part of a page. */
const PICTURES = /^\/pictures\//;

/**
 * Makes a release of what was built: the service worker, which names each file of the shell with its hash, the list of
 * all files, and compressed copies. The same sources give the same bytes.
 */
export const release = (): Plugin => {
  let folder = '';
  const dictionaries = new Set<string>();
  return {
    name: 'hourglass-release',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk' && isForeign(chunk)) dictionaries.add(`/${chunk.fileName}`);
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      async handler(error) {
        if (error) return;
        const files = hashesOf(folder, pathsIn(folder));
        const later = (path: string): boolean => PROVING.test(path) || dictionaries.has(path);
        const paths = Object.keys(files).filter((path) => !PICTURES.test(path));
        const shell = Object.fromEntries(
          Object.entries(files).filter(([path]) => paths.includes(path) && !later(path)),
        );
        const id = sha256(JSON.stringify(files)).slice(0, 16);
        const worker = await buildWorker({ id, shell, lazy: paths.filter(later) });
        writeFileSync(join(folder, WORKER), worker);
        writeFileSync(join(folder, LIST), listOf({ ...files, [WORKER]: sha256(worker) }));
        await compress(folder);
      },
    },
  };
};

/** A dictionary of another language than English, the one to fall back on: whoever speaks it fetches it. */
const isForeign = ({ moduleIds, facadeModuleId }: Rolldown.OutputChunk): boolean =>
  moduleIds.length > 0 &&
  moduleIds.every((module) => module.includes('/web/ui/i18n/')) &&
  !/^en\b/.test(basename(facadeModuleId ?? ''));

const listOf = (files: Record<string, string>): string => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version, files: sorted } satisfies ReleaseList, null, 1)}\n`;
};

/** As one classic script, which every browser takes for a service worker. */
const buildWorker = async (named: object): Promise<string> => {
  const result = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    publicDir: false,
    define: { RELEASE: JSON.stringify(named) },
    build: {
      write: false,
      target: ['chrome120', 'edge120', 'firefox121', 'safari17.4'],
      rolldownOptions: {
        input: join(root, 'web/service-worker/main.ts'),
        output: { format: 'iife', entryFileNames: basename(WORKER) },
      },
    },
  });
  const [made] = Array.isArray(result) ? result : [result];
  const chunk = made && 'output' in made ? made.output[0] : undefined;
  if (!chunk) throw new Error('the service worker was not built');
  return chunk.code;
};

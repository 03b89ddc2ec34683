import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '#tests/support/test-network.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

type Instruction = { name: string; text: string };
type Stage = { from: string; instructions: Instruction[] };

/** The stages of the Dockerfile, by their names; the last one has none. */
const stages = new Map<string, Stage>();
for (const line of read('Dockerfile').replaceAll('\\\n', ' ').split('\n')) {
  if (line === '' || line.startsWith('#')) continue;
  const [, name = '', text = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
  if (name === 'FROM') {
    const [from = '', , as = ''] = text.split(' ');
    stages.set(as, { from, instructions: [] });
  } else {
    [...stages.values()].at(-1)?.instructions.push({ name, text: text.replace(/ +/g, ' ') });
  }
}
const image = stages.get('') ?? { from: '', instructions: [] };
const all = (stage: Stage, name: string): string[] =>
  stage.instructions.filter((each) => each.name === name).map(({ text }) => text);

type Copy = { from: string | undefined; sources: string[]; target: string };
const copies = (stage: Stage): Copy[] =>
  all(stage, 'COPY').map((text) => {
    const words = text.split(' ');
    const from = /^--from=(.*)$/.exec(words[0] ?? '')?.[1];
    const paths = from === undefined ? words : words.slice(1);
    return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
  });

/** Files that run when `entry` does, as its imports say, and the packages among them. */
const closure = (entries: string[]): { files: Set<string>; packages: Set<string> } => {
  const files = new Set<string>();
  const packages = new Set<string>();
  const { imports } = JSON.parse(read('package.json')) as { imports: Record<string, string> };
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const source = readFileSync(join(root, file), 'utf8');
    const found = source.matchAll(
      /^ *(?:import|export) (?!type\b)(?:[^;']*? from )?'([^']+)'|import\('([^']+)'\)/gm,
    );
    for (const [, plain, dynamic] of found) {
      const name = (plain ?? dynamic ?? '').split('?')[0] ?? '';
      const alias = Object.keys(imports).find((each) => name.startsWith(each.slice(0, -1)));
      if (alias) visit(join((imports[alias] ?? '').slice(0, -1), name.slice(alias.length - 1)));
      else if (name.startsWith('.')) visit(relative(root, resolve(root, dirname(file), name)));
      else if (!name.startsWith('node:')) packages.add(/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    }
  };
  entries.forEach(visit);
  return { files, packages };
};

const notCopied = (files: Set<string>, stage: Stage): string[] => {
  const copied = copies(stage).flatMap(({ from, sources }) => (from === undefined ? sources : []));
  return [...files].filter((file) => !copied.some((each) => file === each || file.startsWith(`${each}/`)));
};

const programs = ['signaling-server/main.ts', 'signaling-server/doctor.ts', 'relay/main.ts'];

describe('the Dockerfile', () => {
  it('builds on one slim Node, and runs for nobody special', () => {
    expect([...stages.values()].map(({ from }) => from)).toEqual(Array(3).fill('node:24-slim'));
    expect(all(image, 'USER')).toEqual(['node']);
    const order = image.instructions.map(({ name }) => name);
    expect(order.lastIndexOf('RUN')).toBeLessThan(order.indexOf('USER'));
  });

  it('copies what is there and not ignored', () => {
    const [first, ...kept] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
    for (const stage of stages.values()) {
      for (const { from, sources } of copies(stage)) {
        if (from !== undefined) {
          expect([...stages.keys()]).toContain(from);
          continue;
        }
        for (const source of sources) {
          expect(existsSync(join(root, source)), source).toBe(true);
          expect(kept).toContain(`!${source.split('/')[0] ?? ''}`);
        }
      }
    }
    for (const line of kept) expect(existsSync(join(root, line.slice(1))), line).toBe(true);
  });

  it('has every file and package that its programs import', () => {
    const { files, packages } = closure(programs);
    expect(files.size).toBeGreaterThan(50);
    expect(notCopied(files, image)).toEqual([]);
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect([...packages]).toEqual(
      expect.arrayContaining(['ws', 'pino', 'ioredis', 'mongodb', 'prom-client']),
    );
    for (const name of packages) expect(Object.keys(dependencies)).toContain(name);
  });

  it('has every file of which the app is built', () => {
    const app = stages.get('app');
    if (!app) throw new Error('no stage builds the app');
    const { files } = closure(['web/main.ts', 'web/core/worker.ts']);
    expect([...files].filter((file) => file.endsWith('.svelte')).length).toBeGreaterThan(20);
    expect(notCopied(files, app)).toEqual([]);
  });

  it('starts and checks itself without a shell', () => {
    const [command] = all(image, 'CMD');
    expect(JSON.parse(command ?? '')).toEqual(['node', 'signaling-server/main.ts']);
    const [check] = all(image, 'HEALTHCHECK');
    const words = JSON.parse(/ CMD (\[.*\])$/.exec(check ?? '')?.[1] ?? '[]') as string[];
    expect(words.slice(0, 2)).toEqual(['node', '-e']);
  });
});

const long = process.env['HG_LONG'] === '1';
/** A clean folder for each stage, filled and worked in as the Dockerfile says. */
const build = (folder: string, env: NodeJS.ProcessEnv): string => {
  for (const [name, stage] of stages) {
    const app = join(folder, name, 'app');
    mkdirSync(app, { recursive: true });
    for (const { name: kind, text } of stage.instructions) {
      if (kind === 'COPY') {
        const [copy] = copies({ from: '', instructions: [{ name: kind, text }] });
        for (const source of copy?.sources ?? []) {
          const from = copy?.from === undefined ? join(root, source) : join(folder, copy.from, source);
          const target = copy?.target ?? '';
          cpSync(from, join(app, target.endsWith('/') ? join(target, source) : target), { recursive: true });
        }
      } else if (kind === 'RUN' && !text.includes('/data')) {
        execFileSync('/bin/sh', ['-c', text], { cwd: app, env, stdio: ['ignore', 'ignore', 'inherit'] });
      }
    }
  }
  return join(folder, '', 'app');
};

if (long) {
  it('the commands of the Dockerfile make what runs, in clean folders', { timeout: 600_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hourglass-image-'));
    try {
      const folders = (process.env['PATH'] ?? '')
        .split(delimiter)
        .filter((each) => !each.includes('node_modules'));
      const settings = Object.keys(process.env).filter((name) => name.startsWith('HG_'));
      const bare: NodeJS.ProcessEnv = {
        ...process.env,
        ...Object.fromEntries(settings.map((name) => [name, undefined])),
        PATH: [dirname(process.execPath), ...folders].join(delimiter),
      };
      const app = build(folder, bare);
      expect(existsSync(join(app, 'node_modules/vite'))).toBe(false);
      const words = (text: string): string[] => JSON.parse(text) as string[];
      const env = { ...bare, HG_PORT: '0', HG_DATA_DIR: join(folder, 'data'), NODE_ENV: 'production' };
      const [, ...args] = words(all(image, 'CMD')[0] ?? '[]');
      const server = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] });
      let log = '';
      server.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
      const port = (): string | undefined => /"port":(\d+)/.exec(log)?.[1];
      await eventually('the server listens', () => port() !== undefined);
      const [, ...check] = words(/ CMD (\[.*\])$/.exec(all(image, 'HEALTHCHECK')[0] ?? '')?.[1] ?? '[]');
      const checked = { cwd: app, env: { ...bare, HG_PORT: port() } };
      execFileSync(process.execPath, check, checked);
      expect((await fetch(`http://127.0.0.1:${port() ?? ''}/`)).headers.get('content-type')).toMatch(/html/);
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(() => execFileSync(process.execPath, check, checked)).toThrow();
      expect(() => execFileSync(process.execPath, ['relay/main.ts'], { ...checked, stdio: 'pipe' })).toThrow(
        /Usage/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
} else {
  console.warn(
    'NOT TESTED: the commands of the Dockerfile, which take more than a minute; HG_LONG=1 runs them',
  );
}

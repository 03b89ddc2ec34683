import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codes } from '#shared/errors.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Each first group of `pattern` in `text`, sorted, once. */
const all = (text: string, pattern: RegExp): string[] =>
  [...new Set(Array.from(text.matchAll(pattern), ([, found]) => found ?? ''))].sort();

/** What stands under `## title`. */
const section = (page: string, title: string): string => {
  const [, rest = ''] = page.split(`\n## ${title}\n`);
  return rest.split('\n## ')[0] ?? '';
};

/** The declaration of an exported type, to the line that ends it. */
const declaration = (source: string, name: string): string => {
  const [, rest = ''] = source.split(`export type ${name} =`);
  return /^.*?;\n(?=\n|$)/s.exec(rest)?.[0] ?? '';
};

describe('docs/client-api.md has everything of web/api.ts and its parts, and nothing else:', () => {
  const parts = readdirSync(join(root, 'web')).filter((name) => /^api(-[a-z]+)?\.ts$/.test(name));
  const api = parts.map((name) => read(join('web', name))).join('\n');
  const page = read('docs/client-api.md');

  it('commands', () => {
    const groups = all(api, /^export type (\w+Api) =/gm);
    const commands = all(groups.map((name) => declaration(api, name)).join(''), /^ {2}(\w+)\(/gm);
    expect(commands).toEqual(expect.arrayContaining(['acceptInvite', 'setRelayLimits']));
    expect(all(section(page, 'Commands'), /^### (\w+)$/gm)).toEqual(commands);
    expect(all(section(page, 'Commands'), /^`(\w+)\(.*\): Promise<.*>`$/gm)).toEqual(commands);
  });

  it('events', () => {
    const events = all(declaration(api, 'ClientEvent'), /\{ type: '(\w+)'/g);
    expect(events).toContain('message');
    expect(all(section(page, 'Events'), /^\| `(\w+)` /gm)).toEqual(events);
  });

  it('types, with each of their fields', () => {
    const types = all(api, /^export type (\w+) =/gm).filter((name) => !/Api$|^ClientEvent$/.test(name));
    const sections = page.split('\n### ').slice(1);
    for (const name of types) {
      const text = sections.find((each) => each.startsWith(`${name}\n`));
      expect(text, name).toBeDefined();
      for (const field of all(declaration(api, name), /(?:^ {2}|\{ |; )(\w+)\??: /gm))
        if (field !== 'kind') expect(text, `${name}.${field}`).toMatch(new RegExp(`\\b${field}\\b`));
    }
  });

  it('codes that exist', () => {
    for (const code of all(section(page, 'Errors'), /`([a-z]+(?:-[a-z]+)+)`/g))
      expect(codes).toHaveProperty([code]);
  });
});

it('docs/protocol.md has the table of codes', () => {
  const rows = Array.from(
    section(read('docs/protocol.md'), '15. Codes').matchAll(/^\| +(\d+) \| `([a-z-]+)` +\|/gm),
  );
  const table = Object.entries(codes).map(([name, { byte }]) => [String(byte), name]);
  expect(rows.map(([, byte, name]) => [byte, name])).toEqual(table);
});

describe('README.md', () => {
  const page = read('README.md');

  it('names commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = all(page + read('CONTRIBUTING.md'), /\bnpm (?:run )?([a-z][\w:]*)/g).filter(
      (name) => !['ci', 'prints', 'scripts', 'and', 'warns'].includes(name),
    );
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'relay', 'bench']));
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });

  it('has every option of the relay', () => {
    for (const option of all(read('relay/main.ts'), /(\w+): \{ type: 'string' \}/g))
      expect(page).toContain(`--${option} `);
  });
});

it('ARCHITECTURE.md has every folder of the sources', () => {
  const page = read('ARCHITECTURE.md');
  for (const folder of ['shared', 'web', 'web/core', 'relay', 'signaling-server', 'tests']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }))
      if (entry.isDirectory())
        expect(page, `${folder}/${entry.name}`).toMatch(new RegExp(`\\b${entry.name}/`));
  }
});

describe('links of the documentation lead somewhere:', () => {
  const pages = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
  const anchors = (page: string): string[] =>
    Array.from(page.matchAll(/^#+ (.*)$/gm), ([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .trim()
        .replace(/\s/g, '-'),
    );

  it.each(pages)('%s', (page) => {
    for (const link of all(read(page), /\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (anchor !== undefined) expect(anchors(read(target)), link).toContain(anchor);
    }
  });
});

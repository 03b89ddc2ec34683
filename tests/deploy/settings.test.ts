import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaults } from '#server/config.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const settings = Object.entries(defaults).map(([name, value]) => [name, value ?? '']);

describe('every setting of the directory, and no other, stands', () => {
  it.each(['README.md', 'docs/operations.md'])('in the table of %s, with its default', (page) => {
    const rows = Array.from(
      read(page).matchAll(/^\| `(HG_[A-Z_]+)` +\| (?:`(.*?)`|none) +\| \S/gm),
      ([, name, value]) => [name, value ?? ''],
    );
    expect(rows).toEqual(settings);
  });

  it('in .env.example, with its default and what it means', () => {
    const rows = Array.from(
      read('.env.example').matchAll(/^# [A-Z`].+\n# (HG_[A-Z_]+)=(.*)\n$/gm),
      ([, name, value]) => [name, value],
    );
    expect(rows).toEqual(settings);
  });

  it('in .env.example so that the file as it is sets nothing', () => {
    const set = read('.env.example')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(set).toEqual([]);
  });

  it('in compose.yaml, which passes it to the server', () => {
    type Compose = { services: { server: { environment: Record<string, string>; env_file: string } } };
    const { environment, env_file } = (parse(read('compose.yaml'), { merge: true }) as Compose).services
      .server;
    expect(Object.keys(environment)).toEqual(settings.map(([name]) => name));
    expect(env_file).toBe('.env');
    // What a container needs otherwise than a machine is not left to a file.
    const fixed = Object.entries(environment).filter(([, value]) => !value.startsWith('${'));
    expect(Object.fromEntries(fixed)).toEqual({
      HG_HOST: '0.0.0.0',
      HG_DATA_DIR: '/data',
      HG_METRICS_HOST: '0.0.0.0',
    });
    for (const [name, value] of Object.entries(environment))
      if (value.startsWith('${')) expect(value).toMatch(new RegExp(`^\\$\\{${name}:-[^}]*\\}$`));
  });
});

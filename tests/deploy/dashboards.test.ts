import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { spawnServer, type ServerProcess } from '#tests/support/server-process.ts';
import { freePort } from '#tests/support/stores.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A metric's name as it stands in a query, with the parts of a histogram. */
const NAMES = /\bhourglass_[a-z0-9_]+/g;

type Rule = { alert: string; expr: string; for: string; annotations: { summary: string } };
type Alerts = { groups: { rules: Rule[] }[] };
type Panel = { title: string; targets: { expr: string }[] };

const rules = (parse(read('deploy/alerts.yml')) as Alerts).groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(read('deploy/grafana.json')) as { panels: Panel[] };

describe('what a server has at /metrics', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-metrics-'));
  let server: ServerProcess;
  let kinds: Map<string, string>;
  let text: string;

  beforeAll(async () => {
    const port = await freePort();
    const env = { HG_PORT: '0', HG_DATA_DIR: folder, HG_METRICS_PORT: String(port) };
    server = await spawnServer(env);
    text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const found = text.matchAll(/^# TYPE (\w+) (\w+)$/gm);
    kinds = new Map(Array.from(found, ([, name = '', kind = '']) => [name, kind]));
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    rmSync(folder, { recursive: true });
  });

  const isThere = (name: string): boolean =>
    kinds.has(name) || kinds.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram';

  it.each([
    ['deploy/alerts.yml', rules.map(({ expr }) => expr)],
    ['deploy/grafana.json', panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))],
    ['docs/operations.md', [read('docs/operations.md')]],
  ])('is all that %s asks for', (_file, queries) => {
    const names = new Set(queries.flatMap((query) => query.match(NAMES) ?? []));
    expect(names.size).toBeGreaterThan(5);
    // The page names two families by their beginnings.
    const families = ['hourglass_process_', 'hourglass_nodejs_'];
    expect([...names].filter((name) => !isThere(name) && !families.includes(name))).toEqual([]);
  });

  it('stands in docs/operations.md', () => {
    const own = [...kinds.keys()].filter((name) => !/^hourglass_(process|nodejs)_/.test(name));
    expect(own).toHaveLength(10);
    const page = read('docs/operations.md');
    for (const name of own) expect(page).toMatch(new RegExp(`\`${name}[\`{]`));
  });

  it('tells whether the process leads and the consensus is new', () => {
    expect(text).toMatch(/^hourglass_leader 1$/m);
    expect(text).toMatch(/^hourglass_consensus_sequence [1-9]\d*$/m);
    expect(text).toMatch(/^hourglass_store_away\{store="archive"\} 0$/m);
  });
});

it('every alert says what is wrong, after a while', () => {
  for (const { alert, for: after, annotations } of rules) {
    expect(alert).toMatch(/^Hourglass[A-Z]/);
    expect(after).toMatch(/^\d+m$/);
    expect(annotations.summary).toMatch(/\.$/);
  }
});

it('every panel of the dashboard stands at a place of its own', () => {
  type Grid = { x: number; y: number; w: number; h: number };
  const { panels: placed } = JSON.parse(read('deploy/grafana.json')) as { panels: { gridPos: Grid }[] };
  const cells = placed.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${String(x + (at % w))},${String(y + Math.floor(at / w))}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(placed.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
});

import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { PageReport } from './page.ts';
import type { ContributionReport } from './contribution.ts';
import type { DirectoryReport } from './directory.ts';
import type { Results, Spread } from './figures.ts';
import type { Kind } from './network.ts';

export type Measured = {
  kind: Kind;
  relays: number;
  /** Load averages over one minute. */
  loadBefore: number;
  loadAfter: number;
  results: Results;
};

export type Report = {
  time: string;
  quick: boolean;
  machine: {
    system: string;
    cpu: string;
    cores: number;
    memoryMiB: number;
    node: string;
    chromium: string | null;
  };
  networks: Measured[];
  directory?: DirectoryReport;
  contribution?: ContributionReport;
  page?: PageReport;
};

export const load = (): number => loadavg()[0] ?? 0;

export const machineOf = (chromium: string | undefined): Report['machine'] => ({
  system: `${platform()} ${release()}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  node: process.version,
  chromium: chromium ?? null,
});

type Row = [figure: string, ...cells: string[]];

const blank = '–';
const digits = (value: number | null | undefined, unit: string, places = 0): string =>
  value === null || value === undefined || Number.isNaN(value) ? blank : `${value.toFixed(places)} ${unit}`;

const spread = (name: string, of: (results: Results) => Spread | undefined, all: Measured[]): Row[] => {
  if (all.every(({ results }) => !of(results))) return [];
  const row = (label: string, value: (each: Spread) => number): Row => [
    `${name}, ${label}`,
    ...all.map(({ results }) => {
      const each = of(results);
      return digits(each && value(each), 'ms', 1);
    }),
  ];
  return [row('median', ({ medianMs }) => medianMs), row('p95', ({ p95Ms }) => p95Ms)];
};

const rowsOf = (all: Measured[]): Row[] => {
  const throughput = (label: string, value: (each: NonNullable<Results['throughput']>) => string): Row => [
    label,
    ...all.map(({ results }) => (results.throughput ? value(results.throughput) : blank)),
  ];
  const cpu = (party: 'server' | 'relays' | 'clients' | 'all', label: string): Row =>
    throughput(`CPU per MB, ${label}`, (each) => digits(each.cpuMsPerMegabyte[party], 'ms'));
  return [
    [
      '',
      ...all.map(({ kind, relays }) => `${String(relays)} ${kind === 'tabs' ? 'tabs' : 'headless relays'}`),
    ],
    ...spread('circuit build, 3 hops', ({ build }) => build, all),
    ...spread('round trip to a contact', ({ echo }) => echo, all),
    ...spread('message to "delivered"', ({ delivered }) => delivered, all),
    ...(all.some(({ results }) => results.throughput)
      ? [
          throughput('throughput to a contact', (each) => digits(each.megabytesPerSecond, 'MB/s', 2)),
          cpu('all', 'in all'),
          cpu('relays', 'relays'),
          cpu('clients', 'both clients'),
          cpu('server', 'server'),
        ]
      : []),
    ['load before', ...all.map(({ loadBefore }) => loadBefore.toFixed(2))],
    ['load after', ...all.map(({ loadAfter }) => loadAfter.toFixed(2))],
  ];
};

export const table = ({ networks, machine }: Report): string => {
  const rows = rowsOf(networks);
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: Row): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  const { cores, cpu, node, chromium } = machine;
  const browser = chromium === null ? '' : `, Chromium ${chromium}`;
  return [`${String(cores)} cores (${cpu}), Node ${node}${browser}`, '', ...rows.map(line)].join('\n');
};

/**
 * `npm run bench`: how fast circuits are built, messages go to a contact and come back, and data flows, with headless
 * relays and with Chromium tabs as relays, all on this machine; what the directory and the proof of contribution take; how
 * smoothly the page goes.
 * Prints tables, then the same as one line of JSON.
 *
 *     npm run bench -- [--quick] [--only WHAT[,WHAT]] [--json FILE] [--profile DIR]
 *
 * WHAT is a kind of relay (headless, tabs), a figure (build, roundtrip, throughput), the directory, the contribution or
 * the page; without any of a group all of it is measured, and with the last three alone nothing else. `--profile` leaves the CPU
 * profile of every Node process in DIR. Takes some ten minutes, `--quick` some three; the first time six more, to set up
 * Semaphore, with which proving is compared. Exit codes: 0 when all was measured, 64 when the arguments can't be used, 1 otherwise.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  fullContribution,
  measureContribution,
  quickContribution,
  type ContributionReport,
} from './contribution.ts';
import { contributionTable } from './contribution-table.ts';
import {
  directoryTable,
  fullDirectory,
  measureDirectory,
  quickDirectory,
  type DirectoryReport,
} from './directory.ts';
import { figures, full, measure, quick as quickSize, type Figure } from './figures.ts';
import { BenchNetwork, type Kind } from './network.ts';
import { fullPage, measurePage, pageTable, quickPage, type PageReport } from './page.ts';
import { load, machineOf, table, type Measured, type Report } from './report.ts';

const EXIT_USAGE = 64;
const RELAYS = 8;
const kinds: Kind[] = ['headless', 'tabs'];

const DIRECTORY = 'directory';
const CONTRIBUTION = 'contribution';
const PAGE = 'page';
const apart = [DIRECTORY, CONTRIBUTION, PAGE];

type Options = {
  quick: boolean;
  kinds: Kind[];
  figures: Figure[];
  directory: boolean;
  contribution: boolean;
  page: boolean;
  json?: string;
  profile?: string;
};

const chosen = <T extends string>(all: readonly T[], named: readonly string[]): T[] => {
  const some = all.filter((each) => named.includes(each));
  return some.length > 0 ? some : [...all];
};

const readOptions = (): Options => {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        json: { type: 'string' },
        profile: { type: 'string' },
      },
    });
    const named = values.only.split(',').filter((name) => name !== '');
    const known: string[] = [...kinds, ...figures, ...apart];
    const unknown = named.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`--only does not know ${unknown}`);
    const { quick, json, profile } = values;
    const alone = named.length > 0 && named.every((name) => apart.includes(name));
    return {
      quick,
      directory: named.length === 0 || named.includes(DIRECTORY),
      contribution: named.length === 0 || named.includes(CONTRIBUTION),
      page: named.length === 0 || named.includes(PAGE),
      kinds: alone ? [] : chosen(kinds, named),
      figures: chosen(figures, named),
      ...(json !== undefined && { json }),
      ...(profile !== undefined && { profile }),
    };
  } catch (error) {
    console.error((error as Error).message);
    console.error(
      `Usage: npm run bench -- [--quick] [--only ${[...kinds, ...figures, ...apart].join(',')}] [--json FILE] [--profile DIR]`,
    );
    process.exit(EXIT_USAGE);
  }
};

const options = readOptions();
const measured: Measured[] = [];
let chromium: string | undefined;
let complete = true;
const failed = (figure: Figure, error: unknown): void => {
  complete = false;
  console.error(`${figure} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
};
for (const kind of options.kinds) {
  console.error(`Measuring with ${kind === 'tabs' ? 'tabs' : 'headless relays'}...`);
  const loadBefore = load();
  const network = await BenchNetwork.start({ kind, relays: RELAYS, profileDir: options.profile });
  chromium ??= network.chromium;
  try {
    const results = await measure(network, options.figures, options.quick ? quickSize : full, failed);
    measured.push({ kind, relays: RELAYS, loadBefore, loadAfter: load(), results });
  } finally {
    await network.stop();
  }
}
const vainly =
  (what: string) =>
  (error: unknown): null => {
    complete = false;
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`the ${what} could not be measured whole: ${reason}`);
    return null;
  };
let directory: DirectoryReport | undefined;
if (options.directory) {
  console.error('Measuring the directory...');
  const vain = vainly(DIRECTORY);
  const size = options.quick ? quickDirectory : fullDirectory;
  directory = (await measureDirectory(size, vain).catch(vain)) ?? undefined;
}
let contribution: ContributionReport | undefined;
if (options.contribution) {
  console.error('Measuring the proof of contribution...');
  const vain = vainly(CONTRIBUTION);
  const size = options.quick ? quickContribution : fullContribution;
  contribution = (await measureContribution(size, vain).catch(vain)) ?? undefined;
}
let page: PageReport | undefined;
if (options.page) {
  console.error('Measuring the page...');
  page = await measurePage(options.quick ? quickPage : fullPage, vainly(PAGE));
}
const report: Report = {
  time: new Date().toISOString(),
  quick: options.quick,
  machine: machineOf(chromium),
  networks: measured,
  ...(directory && { directory }),
  ...(contribution && { contribution }),
  ...(page && { page }),
};
if (measured.length > 0) console.log(`${table(report)}\n`);
if (directory) console.log(`${directoryTable(directory)}\n`);
if (contribution) console.log(`${contributionTable(contribution)}\n`);
if (page) console.log(`${pageTable(page)}\n`);
console.log(JSON.stringify(report));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
process.exit(complete ? 0 : 1);

import { LOOPS_A_NODE, type ContributionReport, type Statement } from './contribution.ts';
import type { Audit } from './audit.ts';
import type { Crediting, Verifications } from './crediting.ts';
import type { Spread } from './figures.ts';
import type { Compared, Proving } from './proving.ts';
import type { Stalls } from './proving/messages.ts';

type Row = [figure: string, value: string];

export const contributionTable = (report: ContributionReport): string => {
  const rows = [
    ...report.statements.flatMap(statementRows),
    ...(report.proving ? provingRows(report.proving) : []),
    ...(report.crediting ? creditingRows(report.crediting) : []),
    ...(report.audit ? auditRows(report.audit) : []),
    ...loadRows(report),
  ];
  const width = Math.max(...rows.map(([figure]) => figure.length));
  return [
    'proof of contribution',
    '',
    ...rows.map(([figure, value]) => `${figure.padEnd(width)}  ${value}`),
  ].join('\n');
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(0)} KiB`;
const millis = (ms: number, places = 0): string => `${ms.toFixed(places)} ms`;

const statementRows = ({ name, constraints, setup, wasm, zkey }: Statement): Row[] => [
  [name, `${String(constraints)} constraints, ${setup} setup`],
  ['  wasm, zkey', `${kib(wasm.raw)}, ${kib(zkey.raw)}; gzip ${kib(wasm.gzip)}, ${kib(zkey.gzip)}`],
];

const provingRows = ({ chromium, warm, fresh, app, stalls }: Proving): Row[] => [
  [`proving in Chromium ${chromium}, one thread`, ''],
  ['  all in one worker', comparedText(warm)],
  ['  each in a fresh worker', comparedText(fresh)],
  ['  as the app does', `${spreadText(app)}`],
  ['  page meanwhile', stallsText(stalls.proving)],
  ['  idle page before', stallsText(stalls.idle)],
];

const spreadText = ({ count, medianMs, leastMs, mostMs }: Spread): string =>
  `${seconds(medianMs)} (${seconds(leastMs)} to ${seconds(mostMs)}, ${String(count)} times)`;

const comparedText = ({ ours, semaphore, ratio }: Compared): string =>
  `${spreadText(ours)}, Semaphore ${spreadText(semaphore)}: ratio ${ratio.toFixed(3)}`;

const stallsText = ({ longTasks, longestTaskMs, timerGapMs, frameGapMs, watchedMs }: Stalls): string =>
  `${String(longTasks)} long tasks (longest ${millis(longestTaskMs)}), longest gap of a timer ${millis(timerGapMs)}, of frames ${millis(frameGapMs)}, in ${seconds(watchedMs)}`;

const creditingRows = ({ verifications, tree, audits, tokens }: Crediting): Row[] => [
  ['verification, one process', ''],
  ...verifications.map(verificationRow),
  [
    `tree of ${String(tree.leaves)} leaves`,
    `${tree.cpuSeconds.toFixed(1)} s CPU, longest step of ${String(tree.hashesAStep)} hashes ${millis(tree.longestStepCpuMs, 1)} CPU, ${millis(tree.longestStepMs, 1)} in all`,
  ],
  ...audits.map(({ nodes, loops, planCpuMs, scoreCpuMs }): Row => [
    `audit of ${String(nodes)} nodes, an epoch`,
    `${String(loops)} loops; CPU of planning ${millis(planCpuMs)}, scoring ${millis(scoreCpuMs)}: ${(((planCpuMs + scoreCpuMs) * 1_000) / nodes).toFixed(0)} µs a node`,
  ]),
  [
    `${String(tokens.count)} tokens`,
    `CPU of blinding ${millis(tokens.blindMs, 1)}, issue ${millis(tokens.issueMs, 1)}, finishing ${millis(tokens.finishMs, 1)}; spend of one ${millis(tokens.spendMs, 2)}`,
  ],
];

const verificationRow = ({ by, proofs, perSecond, perCpuSecond }: Verifications): Row => [
  `  ${by}, ${proofs === 1 ? 'one by one' : `${String(proofs)} together`}`,
  `${perCpuSecond.toFixed(0)} per CPU second (${perSecond.toFixed(0)}/s here)`,
];

const auditRows = (audit: Audit): Row[] => {
  const { relays, loops, outcomes, spanMs, cellsALoop, bytesALoop, cpuMsALoop } = audit;
  const ended = Object.entries(outcomes).map(([what, count]) => `${String(count)} ${what}`);
  const each = ([party, ms]: [string, number | null]): string => `${party} ${ms === null ? '–' : millis(ms)}`;
  const parties = Object.entries(cpuMsALoop);
  const all = parties.reduce((sum, [, ms]) => sum + (ms ?? 0), 0);
  return [
    [
      `audit of ${String(relays)} headless relays`,
      `${String(loops)} loops (${ended.join(', ')}) over ${seconds(spanMs)} each; at the auditor ${cellsALoop.toFixed(0)} cells, ${kib(bytesALoop)} a loop`,
    ],
    ['  CPU a loop', parties.map(each).join(', ')],
    [
      `  a node and epoch (${String(LOOPS_A_NODE)} loops)`,
      `${millis(LOOPS_A_NODE * all)} CPU of all parties, ${kib(LOOPS_A_NODE * bytesALoop)} at the auditor`,
    ],
  ];
};

const loadRows = ({ proving, crediting, audit }: ContributionReport): Row[] => {
  const parts = Object.entries({ proving, crediting, audit }).flatMap(([name, part]) =>
    part ? [`${name} ${part.loadBefore.toFixed(2)}, ${part.loadAfter.toFixed(2)}`] : [],
  );
  return [['load before, after', parts.join('; ')]];
};

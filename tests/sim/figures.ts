/**
 * `npm run figures`: measures at 1,000 nodes what docs/threat-model.md states of paths and presence, prints it as rows
 * of its tables, and writes the pictures. The same seeds give the same bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  endsCases,
  endsHead,
  endsRow,
  exitsHead,
  exitsRow,
  habitCases,
  habitHead,
  habitRow,
  large,
  measureCase,
  measureExitCases,
  measureHabit,
  measureMonth,
  monthCases,
  monthHead,
  monthRow,
  pathsPicture,
} from './path-report.ts';
import {
  measurePresence,
  presenceCases,
  presenceHead,
  presencePicture,
  presenceRow,
} from './presence-report.ts';

const folder = join(import.meta.dirname, '../../docs/figures');

const shown = <T>(head: string, cases: readonly T[], line: (each: T) => string): void => {
  console.log(`\n${head}`);
  for (const each of cases) console.log(line(each));
};

const ends = endsCases(large).map(({ attack, hostile }) => measureCase(large, attack, hostile));
shown(endsHead, ends, endsRow);
shown(habitHead, habitCases, ({ attack, habit, share }) =>
  habitRow(habit, measureHabit(large, attack, habit, share)),
);
const months = monthCases.map(({ churn, share }) => measureMonth(large, churn, share));
shown(monthHead, months, monthRow);
const exits = measureExitCases(large);
shown(exitsHead, exits, exitsRow);
const presences = presenceCases.map(({ options, users }) => measurePresence(options, users));
shown(presenceHead, presences, presenceRow);

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'paths.svg'), pathsPicture({ ends, months, exits }));
writeFileSync(join(folder, 'presence.svg'), presencePicture(presences.slice(0, 4)));

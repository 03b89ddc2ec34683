/**
 * Prints the closing line of a test run, `N passed, N failed` or `N passed, N failed, N skipped`, from the JSON
 * report that vitest leaves.
 *
 *     node tests/support/summary.ts REPORT EXIT-CODE
 *
 * EXIT-CODE is that of the test command. A command that failed never counts as without failure: a test file
 * that could not be loaded, a failed check or build before the tests and a missing report count as one each.
 */
import { readFileSync } from 'node:fs';

export type Report = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
};

export function closingLine(report: Report | undefined, exitCode: number): string {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const unloaded = (report?.testResults ?? []).filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  ).length;
  const counted = (report?.numFailedTests ?? 0) + unloaded;
  const silent = exitCode !== 0 || report === undefined ? 1 : 0;
  const failed = Math.max(counted, silent);
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const [path = '', exitCode = '1'] = process.argv.slice(2);
  console.log(closingLine(readReport(path), Number(exitCode)));
}

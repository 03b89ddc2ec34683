import { expect, test } from 'vitest';
import { closingLine, type Report } from '#tests/support/summary.ts';

function report(passed: number, failed: number, pending = 0, files: Report['testResults'] = []): Report {
  return {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
    testResults: files,
  };
}

test('a good run', () => {
  expect(closingLine(report(12, 0), 0)).toBe('12 passed, 0 failed');
  expect(closingLine(report(12, 0, 2), 0)).toBe('12 passed, 0 failed, 2 skipped');
});

test('failed tests are counted', () => {
  const file = { status: 'failed', assertionResults: [{ status: 'failed' }] };
  expect(closingLine(report(9, 3, 0, [file]), 1)).toBe('9 passed, 3 failed');
});

test('a file that cannot be loaded is a failure', () => {
  const file = { status: 'failed', assertionResults: [] };
  expect(closingLine(report(9, 0, 0, [file, file]), 1)).toBe('9 passed, 2 failed');
});

test('a command that fails before or beside the tests is a failure', () => {
  expect(closingLine(undefined, 1)).toBe('0 passed, 1 failed');
  expect(closingLine(undefined, 0)).toBe('0 passed, 1 failed');
  expect(closingLine(report(9, 0), 1)).toBe('9 passed, 1 failed');
});

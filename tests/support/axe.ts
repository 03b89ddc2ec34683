import type { Page } from 'playwright-core';
import axe, { type AxeResults } from 'axe-core';

type WithAxe = typeof globalThis & { axe: { run(options: object): Promise<AxeResults> } };

/** WCAG 2.2 up to level AA, and what axe holds for good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds wrong with the page as it is: a line for each rule, with the places. */
export const violations = async (page: Page): Promise<string[]> => {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(
    (rules) =>
      (globalThis as WithAxe).axe.run({
        ...{ runOnly: rules, resultTypes: ['violations'], elementRef: false },
      }),
    RULES,
  );
  return found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary ?? ''})`).join('; ')}`,
  );
};

import { withoutAddresses } from './log.ts';

/** What came of one check; `said` tells an operator what is so, or what to do, or why nothing was tried. */
export type Outcome = { state: 'ok' | 'warning' | 'failed' | 'skipped'; said: string };

export type Check = { name: string; run(): Promise<Outcome> };

export const ok = (said: string): Outcome => ({ state: 'ok', said });
export const warning = (said: string): Outcome => ({ state: 'warning', said });
export const failed = (said: string): Outcome => ({ state: 'failed', said });
export const skipped = (said: string): Outcome => ({ state: 'skipped', said });

/** Why something threw, in one line and without addresses that the operator did not write. */
export const reason = (error: unknown): string => {
  const { message, cause } = error as Error;
  const told = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message;
  return withoutAddresses((told ?? 'unknown').split('\n', 1)[0] ?? '');
};

const LIMIT_MS = 15_000;

/** Runs one check after another, says a line for each, and answers whether none failed. */
export const runChecks = async (
  checks: Check[],
  say: (line: string) => void,
  limitMs = LIMIT_MS,
): Promise<boolean> => {
  let fine = true;
  for (const { name, run } of checks) {
    const { state, said } = await limited(run, limitMs);
    say(`${state.padEnd('skipped'.length)}  ${name}: ${said}`);
    if (state === 'failed') fine = false;
  }
  return fine;
};

const limited = async (run: () => Promise<Outcome>, limitMs: number): Promise<Outcome> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((done) => {
    timer = setTimeout(() => {
      done(failed(`no answer within ${String(limitMs / 1_000)} s`));
    }, limitMs);
  });
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    return failed(reason(error));
  } finally {
    clearTimeout(timer);
  }
};

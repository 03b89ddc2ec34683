import { Proving, type ProverTask, type ProverWorker } from '#web/core/prover.ts';
import type { FromWorker, Page, Stalls, Task, Timed } from './messages.ts';

const TIMEOUT_MS = 120_000;
const TIMER_MS = 4;

const startWorker = (): Worker => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

const startProver = (): ProverWorker =>
  new Worker(new URL('../../../web/core/prover.worker.ts', import.meta.url), {
    type: 'module',
  }) as ProverWorker;

const answerOf = (worker: Worker, task: Task): Promise<FromWorker> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(task);
  });

const prove = async (tasks: readonly Task[], fresh: boolean): Promise<Timed[]> => {
  const shared = fresh ? undefined : startWorker();
  const timed: Timed[] = [];
  for (const task of tasks) {
    const startedAt = performance.now();
    const worker = shared ?? startWorker();
    const done = await answerOf(worker, task);
    if ('failed' in done) throw new Error(done.failed);
    timed.push({ ...done, statement: task.statement, pageMs: performance.now() - startedAt });
    if (fresh) worker.terminate();
  }
  shared?.terminate();
  return timed;
};

const timer = (delayMs: number, run: () => void): (() => void) => {
  const id = setTimeout(run, delayMs);
  return () => clearTimeout(id);
};

const proveAsApp = async (tasks: readonly ProverTask[]): Promise<number[]> => {
  const times: number[] = [];
  for (const task of tasks) {
    const startedAt = performance.now();
    await new Proving(task, { start: startProver, timer, timeoutMs: TIMEOUT_MS }).result;
    times.push(performance.now() - startedAt);
  }
  return times;
};

const idle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const block = async (ms: number): Promise<void> => {
  await idle(0);
  for (const end = performance.now() + ms; performance.now() < end;);
};

/** The longest time between two calls of what `again` calls later, until the returned function is called. */
const longestGap = (again: (turn: () => void) => void): (() => number) => {
  let last = performance.now();
  let longest = 0;
  let on = true;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (on) again(turn);
  };
  again(turn);
  return () => {
    on = false;
    return longest;
  };
};

let end: () => Promise<Stalls> = () => Promise.reject(new Error('nobody watches'));

const watch = (): void => {
  const startedAt = performance.now();
  const tasks: number[] = [];
  const note = (entries: PerformanceEntryList): void =>
    void tasks.push(...entries.map((each) => each.duration));
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type: 'longtask' });
  const timers = longestGap((turn) => setTimeout(turn, TIMER_MS));
  const frames = longestGap((turn) => requestAnimationFrame(turn));
  end = async () => {
    const watchedMs = performance.now() - startedAt;
    const gaps = { timerGapMs: timers(), frameGapMs: frames() };
    // The browser reports a task only after it.
    await idle(100);
    note(observer.takeRecords());
    observer.disconnect();
    return { longTasks: tasks.length, longestTaskMs: Math.max(0, ...tasks), ...gaps, watchedMs };
  };
};

const page: Page = { prove, proveAsApp, idle, block, watch, stalls: () => end() };
Object.assign(globalThis, { bench: page });

import { SLOTS, epochAt, epochPlan } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { signAudit, type LoopTask } from '#shared/directory/audit.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import type { NodeId } from '#shared/units.ts';
import type { DirectoryOptions } from '#server/directory.ts';
import type { Client, DirectoryFixture } from './directory-fixture.ts';

export const epochs = epochPlan(60_000);
export const SETTLE_MS = epochs.slotMs / 4 + 10_000;

const auditorKey = (byte: number): SignKeypair => signKeypair(new Uint8Array(32).fill(byte));

/** One process each has them for its auditor. */
export const auditorKeys = [auditorKey(101), auditorKey(102)] as const;

export const options = (process: 0 | 1): Partial<DirectoryOptions> => ({
  epochs,
  contribution: 'observe',
  auditorKeys: [hex(auditorKeys[process].public)],
  heartbeatTtlMs: 100 * epochs.epochMs,
  limits: { requests: 100_000 },
});

type Done = LoopTask & { outcome: Outcome };

export const PASSED: Outcome = { kind: 'passed' };

/** Takes loops of one process, and tells at its next poll how they ended. */
export class SimAuditor {
  readonly tasks: LoopTask[] = [];
  readonly #client: Client;
  readonly #key: SignKeypair;
  readonly #judge: (task: LoopTask) => Outcome;
  #done: Done[] = [];

  constructor(
    fixture: DirectoryFixture,
    key: SignKeypair,
    judge: (task: LoopTask) => Outcome = () => PASSED,
  ) {
    this.#client = fixture.client(200);
    this.#key = key;
    this.#judge = judge;
  }

  request(room: number, done: Done[] = []): DirectoryRequest {
    return signAudit(this.#key, this.#client.binding, { room, done });
  }

  ask(request: DirectoryRequest): Promise<DirectoryResponse> {
    return this.#client.ask(request);
  }

  async take(room = 64, done: Done[] = []): Promise<LoopTask[]> {
    const answer = await this.ask(this.request(room, done));
    if (answer.type !== 'loops') throw new Error(JSON.stringify(answer));
    this.tasks.push(...answer.loops);
    return answer.loops;
  }

  done(tasks: LoopTask[]): Done[] {
    return tasks.map((task) => ({ ...task, outcome: this.#judge(task) }));
  }

  async poll(): Promise<void> {
    this.#done = this.done(await this.take(64, this.#done));
  }
}

const STEP_MS = 500;

/** Time passes while the auditors work, first one first, then the other. */
export const work = async (
  { clock }: DirectoryFixture,
  spanMs: number,
  ...auditors: SimAuditor[]
): Promise<void> => {
  const turns = [...auditors];
  for (let left = spanMs; left > 0; left -= STEP_MS) {
    await clock.pass(Math.min(STEP_MS, left));
    for (const auditor of turns.reverse()) await auditor.poll();
  }
};

/** Up to `offMs` after the beginning of the next epoch. */
export const toNextEpoch = async (
  fixture: DirectoryFixture,
  offMs: number,
  ...auditors: SimAuditor[]
): Promise<void> => {
  const { clock } = fixture;
  const begins = (epochAt(clock.now(), epochs) + 1) * epochs.epochMs;
  await work(fixture, begins + offMs - clock.now(), ...auditors);
};

/** The bad one's loops fail. */
export const failing =
  (bad: NodeId) =>
  ({ targets }: LoopTask): Outcome =>
    targets.includes(bad) ? { kind: 'failed', fault: 'lost', suspects: 0b1111 } : PASSED;

export const refOf = ({ epoch, slot, loop }: LoopTask): string => [epoch, slot, loop].join('/');

export const ALL_SLOTS = 2 ** SLOTS - 1;

import { describe, expect, it } from 'vitest';
import { workBits } from '#shared/crypto/work.ts';
import { Driver, type Ports } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import type { Node } from '#shared/node/node.ts';
import type { Output } from '#shared/node/output.ts';
import { seed } from '#tests/support/sample-network.ts';

const challenge = seed('challenge');
const work = (job: number, bits: number, from = 0): Output => ({
  type: 'work',
  job,
  task: { challenge, bits, from },
});

/** A driver around a node that gives these outputs for each `wake`, and work that is done when a test says so. */
class Stage {
  readonly inputs: Input[] = [];
  readonly pieces: (() => void)[] = [];
  readonly driver: Driver;
  #outputs: Output[] = [];

  constructor() {
    const node = {
      receive: (input: Input): Output[] => {
        this.inputs.push(input);
        return input.type === 'wake' ? this.#outputs : [];
      },
    };
    const ports = { now: () => 0, later: (run: () => void) => void this.pieces.push(run) };
    this.driver = new Driver(node as unknown as Node, ports as unknown as Ports);
  }

  give(...outputs: Output[]): void {
    this.#outputs = outputs;
    this.driver.input({ type: 'wake' });
  }

  /** Does one piece; false when there is none. */
  step(): boolean {
    const piece = this.pieces.shift();
    piece?.();
    return piece !== undefined;
  }

  get worked(): Extract<Input, { type: 'worked' }>[] {
    return this.inputs.filter((input) => input.type === 'worked');
  }
}

describe('work', () => {
  it('is done in pieces, outside the node, and its result put in', () => {
    const stage = new Stage();
    stage.give(work(7, 14));
    expect(stage.worked).toEqual([]);
    let pieces = 0;
    while (stage.step()) pieces += 1;
    const [found] = stage.worked;
    expect(stage.worked).toHaveLength(1);
    expect(found?.job).toBe(7);
    expect(workBits(challenge, found?.work ?? 0)).toBeGreaterThanOrEqual(14);
    expect(pieces).toBe(Math.floor((found?.work ?? 0) / 2_000) + 1);
  });

  it('begins where it is told', () => {
    const stage = new Stage();
    stage.give(work(1, 8));
    while (stage.step());
    const first = stage.worked[0]?.work ?? 0;
    stage.give(work(2, 8, first + 1));
    while (stage.step());
    expect(stage.worked[1]?.work).toBeGreaterThan(first);
  });

  it('has its turn beside other work, and ends alone when nobody waits for it', () => {
    const stage = new Stage();
    stage.give(work(1, 200), work(2, 13), work(3, 200));
    stage.give({ type: 'end-work', job: 3 }, { type: 'end-work', job: 4 });
    let pieces = 0;
    for (; stage.worked.length === 0 && stage.step(); pieces++) expect(stage.pieces).toHaveLength(1);
    const found = stage.worked[0];
    expect(found?.job).toBe(2);
    expect(pieces).toBe(2 * (Math.floor((found?.work ?? 0) / 2_000) + 1));
    stage.give({ type: 'end-work', job: 1 });
    while (stage.step());
    expect(stage.worked).toEqual([found]);
  });

  it('may be asked for by who shares the driver', () => {
    const stage = new Stage();
    const found: number[] = [];
    stage.driver.search({ challenge, bits: 200, from: 0 }, () => found.push(-1))();
    stage.driver.search({ challenge, bits: 8, from: 0 }, (number) => found.push(number));
    while (stage.step());
    expect(found).toHaveLength(1);
    expect(workBits(challenge, found[0] ?? 0)).toBeGreaterThanOrEqual(8);
  });

  it('ends with the driver', () => {
    const stage = new Stage();
    stage.give(work(3, 200));
    stage.step();
    stage.driver.stop();
    expect(stage.step()).toBe(true);
    expect(stage.step()).toBe(false);
  });
});

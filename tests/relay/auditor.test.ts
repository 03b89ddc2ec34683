import { beforeEach, describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { verifyAudit, type LoopTask } from '#shared/directory/audit.ts';
import type { Params } from '#shared/directory/consensus.ts';
import { requestCodec, responseCodec, type DirectoryRequest } from '#shared/directory/messages.ts';
import type { Command } from '#shared/node/input.ts';
import type { NodeId } from '#shared/units.ts';
import { Auditor } from '#relay/auditor.ts';
import { consensusOf, idOf, seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

const keys = signKeypair(seed('auditor'));
const binding = seed('binding');
const targets = ['a', 'b', 'c', 'd'].map(idOf);
const guard = idOf('guard');
const passed: Outcome = { kind: 'passed' };

let clock: VirtualClock;
let commands: Command[];
let refusals: string[];
let auditor: Auditor;

beforeEach(() => {
  clock = new VirtualClock();
  commands = [];
  refusals = [];
  auditor = new Auditor({
    keys,
    command: (command) => void commands.push(command),
    timer: clock.after,
    refused: (code) => void refusals.push(code),
  });
});

const all = <T extends Command['type']>(type: T): Of<T>[] =>
  commands.filter((command): command is Of<T> => command.type === type);
const policy = (is: Params['policy'], epochMs = 3_600_000): void => {
  const consensus = consensusOf([]);
  auditor.event({
    type: 'consensus',
    consensus: { ...consensus, params: { ...consensus.params, policy: is, epochMs } },
  });
};
const asked = (at = -1): Extract<DirectoryRequest, { type: 'audit' }> => {
  const ask = all('ask').at(at);
  if (!ask) throw new Error('nothing was asked');
  expect(ask.purpose).toBe('audit');
  const body = typeof ask.body === 'function' ? ask.body(binding, 0) : ask.body;
  const request = decode(requestCodec, body);
  if (request.type !== 'audit') throw new Error('something else was asked');
  expect(verifyAudit(binding, request)).toBe(true);
  return request;
};
const answer = (loops: LoopTask[]): void =>
  auditor.event({
    type: 'answered',
    handle: all('ask').at(-1)?.handle ?? 0,
    result: { body: encode(responseCodec, { type: 'loops', loops }) },
  });
const task = (loop: number): LoopTask => ({ epoch: 3, slot: 1, loop, targets, spanMs: 100, lingerMs: 200 });
const looped = (at: number, outcome: Outcome, by: NodeId | undefined = guard): void =>
  auditor.event({ type: 'looped', handle: all('loop')[at]?.handle ?? 0, outcome, guard: by });

describe('an auditor', () => {
  it('asks nothing where nothing is audited', async () => {
    policy('off');
    await clock.pass(10_000);
    expect(commands).toEqual([]);
    policy('observe');
    expect(all('ask')).toHaveLength(1);
  });

  it('asks every second, or twenty times a slot where those are short', async () => {
    policy('observe');
    answer([]);
    await clock.pass(999);
    expect(all('ask')).toHaveLength(1);
    await clock.pass(1);
    expect(all('ask')).toHaveLength(2);
    await clock.pass(60_000);
    expect(all('ask')).toHaveLength(2);
    policy('enforce', 60_000);
    answer([]);
    await clock.pass(250);
    expect(all('ask')).toHaveLength(3);
  });

  it('has each loop run that it is given, and says how many more it can take', async () => {
    policy('observe');
    expect(asked()).toMatchObject({ room: 64, done: [] });
    answer([task(7), task(8)]);
    expect(all('loop')).toMatchObject([
      { targets, spanMs: 100, lingerMs: 200 },
      { targets, spanMs: 100, lingerMs: 200 },
    ]);
    looped(1, passed);
    await clock.pass(1_000);
    expect(asked()).toMatchObject({ room: 63, done: [{ epoch: 3, slot: 1, loop: 8, outcome: passed }] });
  });

  it('tells what a loop came to until a request with it was answered, and no longer', async () => {
    policy('observe');
    answer([task(7), task(8)]);
    looped(0, passed);
    await clock.pass(1_000);
    const handle = all('ask').at(-1)?.handle ?? 0;
    looped(1, { kind: 'unrun' });
    auditor.event({ type: 'answered', handle, result: { code: 'timeout' } });
    await clock.pass(1_000);
    expect(asked().done.map(({ loop }) => loop)).toEqual([7, 8]);
    auditor.event({
      type: 'answered',
      handle: all('ask').at(-1)?.handle ?? 0,
      result: { body: new Uint8Array(3) },
    });
    await clock.pass(1_000);
    expect(asked().done.map(({ loop }) => loop)).toEqual([7, 8]);
    answer([]);
    await clock.pass(1_000);
    expect(asked().done).toEqual([]);
  });

  it('says once that it is refused, asks on, and stops when it is told to', async () => {
    policy('observe');
    const body = encode(responseCodec, { type: 'error', code: 'refused' });
    for (let i = 0; i < 3; i++) {
      auditor.event({ type: 'answered', handle: all('ask').at(-1)?.handle ?? 0, result: { body } });
      await clock.pass(1_000);
    }
    expect([all('ask').length, refusals]).toEqual([4, ['refused']]);
    answer([]);
    auditor.stop();
    await clock.pass(5_000);
    expect(all('ask')).toHaveLength(4);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { verifyRegister, type DirectoryRequest } from '#shared/directory/messages.ts';
import { Context } from '#shared/node/context.ts';
import type { Answer, DirectoryCircuit } from '#shared/node/directory-circuit.ts';
import { KeyRing, makeNodeKeys } from '#shared/node/keys.ts';
import type { Output } from '#shared/node/output.ts';
import { Registration } from '#shared/node/registration.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';
import { rngOf } from './bench.ts';

type Asked = { request: DirectoryRequest; done: (answer: Answer) => void };

/** A circuit on which a test is the directory. */
class Circuit {
  readonly binding: Uint8Array;
  readonly asked: Asked[] = [];
  ended = false;
  readonly origin = { end: () => void (this.ended = true) };

  constructor(name: string) {
    this.binding = seed(name);
  }

  request(request: DirectoryRequest, done: Asked['done']): void {
    this.asked.push({ request, done });
  }
}

let context: Context;
let keys: KeyRing;
let registration: Registration;
let circuit: Circuit;

const main = (next: Circuit | undefined): void =>
  registration.onMain(next as unknown as DirectoryCircuit | undefined);
const pass = (spanMs: number): void => {
  for (const end = context.now + spanMs; context.now < end;) {
    context.now = Math.min(end, Math.max(context.now + 1, context.timers.next()));
    context.timers.run(context.now, (run) => run());
  }
};
const answer = (given: Answer, on = circuit): void => {
  const asked = on.asked.at(-1);
  asked?.done(given);
};
/** The work in each registration on a circuit. */
const shown = (on = circuit): number[] =>
  on.asked.flatMap(({ request }) => (request.type === 'register' ? [request.work] : []));
const out = <T extends Output['type']>(type: T): Extract<Output, { type: T }>[] =>
  context.drain().filter((output): output is Extract<Output, { type: T }> => output.type === type);

beforeEach(() => {
  const rng = rngOf(3);
  context = new Context(rng, NOW, false);
  keys = new KeyRing(makeNodeKeys(rng));
  const consensus = (): undefined => undefined;
  registration = new Registration({
    ...{ context, keys, headless: true, family: undefined, consensus, load: () => 0 },
  });
  circuit = new Circuit('one');
  registration.relay(true);
  main(circuit);
  pass(10);
});

describe('a node that is asked for work', () => {
  it('has it done elsewhere, and registers with it', () => {
    expect(shown()).toEqual([0]);
    answer({ type: 'work', bits: 17 });
    const [work] = out('work');
    expect(work?.task).toEqual({ place: { binding: circuit.binding, node: keys.id }, bits: 17, from: 1 });
    pass(5_000);
    expect(shown()).toEqual([0]);
    registration.worked((work?.job ?? 0) + 1, 3);
    expect(shown()).toEqual([0]);
    registration.worked(work?.job ?? 0, 1234);
    expect(shown()).toEqual([0, 1234]);
    const request = circuit.asked.at(-1)?.request;
    expect(request?.type === 'register' && verifyRegister(keys.id, circuit.binding, request)).toBe(true);
    answer({ type: 'ok' });
    expect(registration.registered).toBe(true);
  });

  it('goes on from there when that was not enough', () => {
    answer({ type: 'work', bits: 10 });
    registration.worked(out('work')[0]?.job ?? 0, 50);
    answer({ type: 'work', bits: 12 });
    expect(out('work')[0]?.task).toMatchObject({ bits: 12, from: 51 });
  });

  it('does not begin what nobody could end, and comes again', () => {
    answer({ type: 'work', bits: 29 });
    expect(out('work')).toEqual([]);
    pass(2_000);
    expect(shown()).toEqual([0, 0]);
    answer({ type: 'work', bits: 28 });
    expect(out('work')).toHaveLength(1);
  });

  it('drops it with its circuit, and with the wish to relay', () => {
    answer({ type: 'work', bits: 20 });
    const job = out('work')[0]?.job ?? 0;
    const next = new Circuit('two');
    main(next);
    expect(out('end-work')).toHaveLength(1);
    registration.worked(job, 7);
    pass(10);
    expect([shown(), shown(next)]).toEqual([[0], [0]]);
    answer({ type: 'work', bits: 20 }, next);
    const again = out('work')[0];
    expect(again?.task.place.binding).toEqual(next.binding);
    registration.relay(false);
    expect(out('end-work')).toHaveLength(1);
    registration.worked(again?.job ?? 0, 7);
    expect(shown(next)).toEqual([0]);
  });

  it('brings a new descriptor along, once the work is done', () => {
    answer({ type: 'work', bits: 20 });
    const job = out('work')[0]?.job ?? 0;
    pass(1_000);
    registration.renew();
    pass(10);
    expect(shown()).toEqual([0]);
    registration.worked(job, 7);
    expect(shown()).toEqual([0, 7]);
  });
});

describe('a node that is told to try later', () => {
  it('registers again within ten seconds', () => {
    answer({ type: 'error', code: 'try-later' });
    pass(1_900);
    expect(shown()).toEqual([0]);
    pass(8_200);
    expect(shown()).toEqual([0, 0]);
  });

  it('stays registered, and beats on', () => {
    answer({ type: 'ok' });
    pass(46_000);
    expect(circuit.asked.at(-1)?.request.type).toBe('heartbeat');
    answer({ type: 'error', code: 'try-later' });
    expect([registration.registered, circuit.ended]).toEqual([true, false]);
    pass(46_000);
    expect(circuit.asked.slice(-2).map(({ request }) => request.type)).toEqual(['heartbeat', 'heartbeat']);
    answer({ type: 'error', code: 'not-registered' });
    expect(registration.registered).toBe(false);
    pass(2_000);
    expect(shown()).toEqual([0, 0]);
  });
});

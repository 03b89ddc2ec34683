import { beforeEach, describe, expect, it } from 'vitest';
import { verifyHeartbeat, verifyRegister, type DirectoryRequest } from '#shared/directory/messages.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import { registrationChallenge } from '#shared/directory/work.ts';
import { Context } from '#shared/node/context.ts';
import type { Answer, DirectoryCircuit } from '#shared/node/directory-circuit.ts';
import { KeyRing, makeNodeKeys } from '#shared/node/keys.ts';
import type { Output } from '#shared/node/output.ts';
import { Registration } from '#shared/node/registration.ts';
import { consensusOf, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';
import { rngOf } from './bench.ts';

type RequestOf<T extends DirectoryRequest['type']> = Extract<DirectoryRequest, { type: T }>;
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
/** Whether a circuit was wanted, each time that this was said. */
let served: boolean[];
/** Of the consensus. */
let epoch: number;

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
  epoch = 0;
  const consensus = (): Consensus => consensusOf([], { epoch });
  registration = new Registration({
    ...{ context, keys, family: undefined, consensus, load: () => 0 },
    capabilities: () => ({ headless: true, reachable: true, server: false }),
    serve: (on) => void served.push(on),
  });
  served = [];
  circuit = new Circuit('one');
  registration.relay(true);
  main(circuit);
  pass(10);
});

describe('a node that is to be listed', () => {
  const DELAY_MS = 300_000;
  const begin = (nodes: number): void => {
    const consensus = (): Consensus =>
      consensusOf(listedNodes(nodes), {
        params: { ...consensusOf([]).params, registrationDelayMs: DELAY_MS },
      });
    registration = new Registration({
      ...{ context, keys, family: undefined, consensus, load: () => 0 },
      capabilities: () => ({ headless: true, reachable: true, server: false }),
      serve: (on) => void served.push(on),
    });
    registration.relay(true);
    pass(2 * DELAY_MS);
    expect(served).toEqual([]);
    registration.ready();
  };
  /** How long it waits before it asks for a circuit of its own. */
  const waits = (nodes: number): number => {
    served = [];
    begin(nodes);
    const from = context.now;
    while (served.length === 0 && context.now <= from + DELAY_MS) pass(1_000);
    expect(served).toEqual([true]);
    return context.now - from;
  };

  it('asks for a circuit of its own at a random time of the delay, not before', () => {
    const all = Array.from({ length: 200 }, () => waits(8));
    expect(Math.max(...all)).toBeLessThanOrEqual(DELAY_MS + 1_000);
    for (const part of [0.25, 0.5, 0.75]) {
      const share = all.filter((wait) => wait < part * DELAY_MS).length / all.length;
      expect(Math.abs(share - part)).toBeLessThan(0.15);
    }
  });

  it('does so at once where nobody is anonymous yet', () => {
    expect(waits(7)).toBe(1_000);
  });

  it('wants it no more once it has left, and has said so', () => {
    served = [];
    begin(7);
    pass(10);
    main(circuit);
    pass(10);
    answer({ type: 'ok' });
    registration.relay(false);
    expect(circuit.asked.at(-1)?.request.type).toBe('leave');
    expect(served).toEqual([true]);
    answer({ type: 'ok' });
    expect(served).toEqual([true, false]);
  });

  it('wants none where its wait is not over', () => {
    served = [];
    begin(8);
    registration.relay(false);
    pass(2 * DELAY_MS);
    expect(served).toEqual([false]);
  });

  it('registers over the next circuit at once, and stays registered while that takes the place of one that stands', () => {
    answer({ type: 'ok' });
    const next = new Circuit('two');
    main(next);
    pass(10);
    expect([shown(next), registration.registered]).toEqual([[0], true]);
    answer({ type: 'ok' }, next);
    pass(46_000);
    expect(next.asked.at(-1)?.request.type).toBe('heartbeat');
  });
});

describe('a node that is asked for work', () => {
  it('has it done elsewhere, and registers with it', () => {
    expect(shown()).toEqual([0]);
    answer({ type: 'work', bits: 17 });
    const [work] = out('work');
    const challenge = registrationChallenge(circuit.binding, keys.id);
    expect(work?.task).toEqual({ challenge, bits: 17, from: 1 });
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
    expect(out('end-work')).toEqual([{ type: 'end-work', job }]);
    registration.worked(job, 7);
    pass(10);
    expect([shown(), shown(next)]).toEqual([[0], [0]]);
    answer({ type: 'work', bits: 20 }, next);
    const again = out('work')[0];
    expect(again?.task.challenge).toEqual(registrationChallenge(next.binding, keys.id));
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

describe('a node that nobody answers', () => {
  it('does not register there again, but on the next circuit', () => {
    answer({ code: 'timeout' });
    expect(circuit.ended).toBe(true);
    pass(60_000);
    expect(shown()).toEqual([0]);
    const next = new Circuit('two');
    main(undefined);
    main(next);
    pass(10);
    expect(shown(next)).toEqual([0]);
    answer({ type: 'error', code: 'stale' }, next);
    expect(next.ended).toBe(false);
    pass(2_000);
    expect(shown(next)).toEqual([0, 0]);
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

describe('a heartbeat', () => {
  const beats = (on = circuit) =>
    on.asked.flatMap(({ request }) => (request.type === 'heartbeat' ? [request] : []));
  const told = () => out('event').flatMap(({ event }) => (event.type === 'heartbeat' ? [event] : []));
  const none = { type: 'beat', epoch: 0, tested: 0, passed: 0, fault: undefined } as const;
  /** Registered, and the first heartbeat is under way. */
  const beating = (): void => {
    answer({ type: 'ok' });
    while (beats().length === 0) pass(Math.max(1, context.timers.next() - context.now));
    expect(beats()).toHaveLength(1);
    told();
  };
  const replace = (): Circuit => {
    main(undefined);
    const next = new Circuit('two');
    main(next);
    return next;
  };

  it('is told with the result of the last audited epoch, if there is one', () => {
    beating();
    const at = context.now;
    const result = { epoch: 41, tested: 4095, passed: 2047, fault: 'late' } as const;
    answer({ type: 'beat', ...result });
    expect(told()).toEqual([{ type: 'heartbeat', at, outcome: 'answered', result }]);
    for (let left = 46; left > 0 && beats().length < 2; left--) pass(1_000);
    answer(none);
    expect(told()).toMatchObject([{ outcome: 'answered', result: undefined }]);
  });

  it('goes once more over another circuit when no answer came, and the node stays registered: late', () => {
    beating();
    const at = context.now;
    answer({ code: 'timeout' });
    expect([registration.registered, circuit.ended]).toEqual([true, true]);
    pass(1_000);
    const next = replace();
    const [first, second] = [beats()[0], beats(next)[0]];
    expect(verifyHeartbeat(next.binding, second as RequestOf<'heartbeat'>)).toBe(true);
    expect(second?.counter).toBeGreaterThan(first?.counter ?? 0);
    expect(shown(next)).toEqual([]);
    answer(none, next);
    expect(told()).toEqual([{ type: 'heartbeat', at, outcome: 'late', result: undefined }]);
    expect(registration.registered).toBe(true);
  });

  it('is missed when the directory knows the node no more, or nobody answers again', () => {
    beating();
    answer({ code: 'timeout' });
    const next = replace();
    answer({ type: 'error', code: 'not-registered' }, next);
    expect(told()).toMatchObject([{ outcome: 'missed' }]);
    expect(registration.registered).toBe(false);
    pass(2_000);
    expect(shown(next)).toEqual([0]);
  });

  it('is missed when the other circuit does not answer either, or there is none in time', () => {
    beating();
    answer({ code: 'timeout' });
    const next = replace();
    answer({ code: 'timeout' }, next);
    expect(told()).toMatchObject([{ outcome: 'missed' }]);
    expect([registration.registered, next.ended]).toEqual([false, true]);
    const third = new Circuit('three');
    main(undefined);
    main(third);
    pass(10);
    answer({ type: 'ok' }, third);
    for (let left = 46; left > 0 && beats(third).length === 0; left--) pass(1_000);
    answer({ code: 'destroyed' }, third);
    main(undefined);
    pass(14_000);
    expect([registration.registered, told()]).toEqual([true, []]);
    pass(1_100);
    expect(told()).toMatchObject([{ outcome: 'missed' }]);
    expect(registration.registered).toBe(false);
  });

  it('is forgotten with the wish to relay', () => {
    beating();
    answer({ code: 'timeout' });
    registration.relay(false);
    main(undefined);
    const next = new Circuit('two');
    main(next);
    pass(60_000);
    expect([next.asked, told()]).toEqual([[], []]);
  });
});

describe('what a node is committed to', () => {
  const beat = (): bigint | undefined => {
    const before = circuit.asked.length;
    for (let left = 46; left > 0 && circuit.asked.length === before; left--) pass(1_000);
    const request = circuit.asked.at(-1)?.request;
    answer({ type: 'beat', epoch: 0, tested: 0, passed: 0, fault: undefined });
    if (request?.type !== 'heartbeat') throw new Error('no heartbeat');
    expect(verifyHeartbeat(circuit.binding, request)).toBe(true);
    expect(request.epoch).toBe(epoch);
    return request.commitment;
  };

  it('goes with the heartbeats of that epoch, and no others', () => {
    epoch = 7;
    registration.commit(7, 70n);
    registration.commit(8, 80n);
    registration.commit(6, 60n);
    registration.commit(9, 90n);
    answer({ type: 'ok' });
    expect(beat()).toBe(70n);
    epoch = 8;
    expect(beat()).toBe(80n);
    epoch = 7;
    registration.commit(7, 71n);
    expect(beat()).toBe(71n);
    epoch = 9;
    expect(beat()).toBeUndefined();
    registration.commit(9, 91n);
    epoch = 8;
    registration.commit(8, 81n);
    epoch = 6;
    expect(beat()).toBeUndefined();
  });
});

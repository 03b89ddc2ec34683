import { decode } from '../bytes/codec.ts';
import { MOST_WORK_BITS } from '../crypto/work.ts';
import { isFor } from '../directory/purposes.ts';
import { responseCodec } from '../directory/messages.ts';
import type { Code } from '../errors.ts';
import type { NodeId } from '../units.ts';
import type { Context } from './context.ts';
import { DirectoryCircuit, unanswered } from './directory-circuit.ts';
import type { Command } from './input.ts';
import type { Origins, Target } from './origins.ts';

export type AskResult = { body: Uint8Array } | { code: Code };

/** Ends of a circuit under way that say that its next node was not to be reached. */
const GONE: readonly Code[] = ['not-found', 'unreachable', 'link-lost'];

type Ask = Pick<Extract<Command, { type: 'ask' }>, 'purpose' | 'body' | 'challenge'>;

/** How many bits of work an answer asks for, if it does. */
const bitsAsked = (context: Context, answer: AskResult): number | undefined => {
  if ('code' in answer) return undefined;
  let bits: number | undefined;
  context.guard(
    () => {
      const response = decode(responseCodec, answer.body);
      if (response.type === 'work') bits = response.bits;
    },
    // What does not parse is for whoever asked.
    () => undefined,
  );
  return bits;
};

/**
 * One request over a circuit that stands. Where the directory answers that it wants work for it, and the request comes with
 * a challenge, that is searched for and the request made again with it, once. The returned function gives up a search.
 */
export const askOver = (
  context: Context,
  circuit: DirectoryCircuit,
  { purpose, body, challenge }: Ask,
  done: (answer: AskResult) => void,
): (() => void) => {
  let job: number | undefined;
  const ask = (work: number, answered: (answer: AskResult) => void): void => {
    const request = typeof body === 'function' ? body(circuit.binding, work) : body;
    if (isFor(purpose, request)) circuit.requestRaw(request, answered);
    else answered({ code: 'internal' });
  };
  ask(0, (answer) => {
    const bits = challenge && bitsAsked(context, answer);
    if (!challenge || bits === undefined) return done(answer);
    if (bits > MOST_WORK_BITS) return done({ code: 'refused' });
    job = context.works.begin((work) => {
      job = undefined;
      ask(work, done);
    });
    context.out({ type: 'work', job, task: { challenge: challenge(circuit.binding), bits, from: 1 } });
  });
  return () => {
    if (job === undefined) return;
    context.works.drop(job);
    context.out({ type: 'end-work', job });
    job = undefined;
  };
};

/**
 * One request over a circuit of its own along `path`, which ends with it. `missing` is the node that the one before it, or this node,
 * could not reach, where the circuit did not come about for that.
 */
export const askAlong = (
  { context, origins }: { context: Context; origins: Origins },
  path: Target[],
  ask: Ask,
  done: (answer: AskResult, missing: NodeId | undefined) => void,
): void => {
  let circuit: DirectoryCircuit | undefined;
  let giveUp = (): void => undefined;
  let answered = false;
  const finish = (answer: AskResult, missing?: NodeId): void => {
    if (answered) return;
    answered = true;
    done(answer, missing);
  };
  origins.build({
    purpose: ask.purpose === 'lookup' ? 'lookup' : 'directory',
    path,
    handlers: {
      open: (origin) => {
        circuit = new DirectoryCircuit(context, origin, () => undefined);
        giveUp = askOver(context, circuit, ask, (answer) => {
          finish(answer);
          origin.end('finished');
        });
      },
      message: (_, hop, message) => circuit?.receive(hop, message),
      closed: (_, code, hop) => {
        giveUp();
        circuit?.closed(code);
        const missing = !circuit && GONE.includes(code) ? path[hop]?.node : undefined;
        finish(unanswered(code), missing);
      },
    },
  });
};

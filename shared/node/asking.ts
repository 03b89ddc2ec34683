import { decode } from '../bytes/codec.ts';
import { MOST_WORK_BITS } from '../crypto/work.ts';
import { isFor } from '../directory/purposes.ts';
import { responseCodec } from '../directory/messages.ts';
import type { Context } from './context.ts';
import type { DirectoryCircuit } from './directory-circuit.ts';
import type { AskResult } from './directory-client.ts';
import type { Command } from './input.ts';

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

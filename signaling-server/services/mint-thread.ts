import { parentPort } from 'node:worker_threads';
import { Verifier } from '#circuits/verify.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';
import { codeOf } from '#shared/errors.ts';
import { systemRng } from '../rng.ts';
import type { MintAnswer, MintJob } from './mint-messages.ts';

const verifier = new Verifier();

const done = (job: MintJob): MintAnswer => {
  try {
    if (job.type === 'verify') return { type: 'verified', holds: verifier.verifyAll(job.batch, systemRng) };
    return { type: 'evaluated', evaluation: evaluateBlinded(job.keys, job.elements, systemRng) };
  } catch (error) {
    return { type: 'refused', code: codeOf(error) };
  }
};

parentPort?.on('message', (job: MintJob) => parentPort?.postMessage(done(job)));

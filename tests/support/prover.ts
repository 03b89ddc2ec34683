import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromProver, ProverWorker } from '#web/core/prover.ts';

const program = fileURLToPath(new URL('./prover-process.ts', import.meta.url));

/** A prover for clients in Node: a process of its own, for snarkjs takes any thread but the first for one of its own. */
export const startProver = (): ProverWorker => {
  const child = fork(program, { serialization: 'advanced', execArgv: [] });
  let ended = false;
  const worker: ProverWorker = {
    postMessage: (task) => child.send(task),
    onmessage: null,
    onerror: null,
    terminate: () => {
      ended = true;
      child.kill();
    },
  };
  child.on('message', (data) => worker.onmessage?.({ data: data as FromProver }));
  const failed = (): void => {
    if (!ended) worker.onerror?.({} as never);
  };
  child.on('error', failed);
  child.on('exit', failed);
  return worker;
};

import { readFile } from 'node:fs/promises';
import { artifactUrls } from '#circuits/prove.ts';
import type { ProverTask } from '#web/core/prover.ts';
import { runProver } from '#web/core/prover-job.ts';

/** What web/core/prover.worker.ts is in a browser. */
process.once('message', (task) => {
  void runProver(
    task as ProverTask,
    async (name) => new Uint8Array(await readFile(artifactUrls[name])),
    (message) => void process.send?.(message),
  );
});

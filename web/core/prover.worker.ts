import { artifactUrls } from '#circuits/prove.ts';
import { LocalError } from '#shared/errors.ts';
import { runProver } from './prover-job.ts';
import type { FromProver, ProverOrder } from './prover.ts';

/** Makes one proof; `Proving` starts it and ends it. */
type Scope = {
  postMessage(message: FromProver): void;
  onmessage: ((event: MessageEvent<ProverOrder>) => void) | null;
};
const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data }) => {
  void runProver(
    data,
    async (name) => {
      const response = await fetch(artifactUrls[name]);
      if (!response.ok) throw new LocalError('unreachable');
      return new Uint8Array(await response.arrayBuffer());
    },
    (message) => scope.postMessage(message),
  );
};

import { groth16 } from 'snarkjs';
import { artifactUrls } from '#circuits/prove.ts';
import type { FromWorker, Statement, Task } from './messages.ts';

/** Proves either statement in the same way, with one thread as circuits/prove.ts does. */
type Scope = {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<Task>) => void) | null;
};
const scope = globalThis as unknown as Scope;

type Files = { readonly wasm: Uint8Array; readonly zkey: Uint8Array };

const urls: Record<Statement, readonly [wasm: string | URL, zkey: string | URL]> = {
  ours: [artifactUrls['contribution.wasm'], artifactUrls['contribution.zkey']],
  semaphore: ['/semaphore.wasm', '/semaphore.zkey'],
};
const files = new Map<Statement, Files>();

const load = async (url: string | URL): Promise<Uint8Array> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${String(url)}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

const filesOf = async (statement: Statement): Promise<Files> => {
  const [wasm, zkey] = urls[statement];
  const loaded = files.get(statement) ?? { wasm: await load(wasm), zkey: await load(zkey) };
  files.set(statement, loaded);
  return loaded;
};

const prove = async ({ statement, inputs }: Task): Promise<FromWorker> => {
  const { wasm, zkey } = await filesOf(statement);
  const startedAt = performance.now();
  const { proof, publicSignals } = await groth16.fullProve(inputs, wasm, zkey, undefined, undefined, {
    singleThread: true,
  });
  return { ms: performance.now() - startedAt, proof, signals: publicSignals };
};

scope.onmessage = ({ data }) => {
  prove(data).then(
    (done) => scope.postMessage(done),
    (error: unknown) => scope.postMessage({ failed: String(error) }),
  );
};

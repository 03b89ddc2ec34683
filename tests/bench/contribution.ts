import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import manifest from '#circuits/artifacts/manifest.json' with { type: 'json' };
import { compile, SOURCE, STATEMENT } from '#circuits/compile.ts';
import { artifactUrls } from '#circuits/prove.ts';
import { sha256Of } from '#circuits/transcript.ts';
import { ROUNDS } from '#shared/contribution/plan.ts';
import { SLOTS } from '#shared/contribution/epochs.ts';
import { LOOP_TARGETS } from '#shared/contribution/outcomes.ts';
import { fullAudit, measureAudit, quickAudit, type Audit, type AuditSize } from './audit.ts';
import {
  fullCrediting,
  measureCrediting,
  quickCrediting,
  type Crediting,
  type CreditingSize,
} from './crediting.ts';
import { measureProving, type Proving } from './proving.ts';
import { load } from './report.ts';
import { semaphore, type Semaphore } from './semaphore/artifacts.ts';

/** A statement's constraints, and the files that whoever proves it loads. */
export type Statement = { name: string; constraints: number; setup: string; wasm: Bytes; zkey: Bytes };
type Bytes = { raw: number; gzip: number };

type Loads = { loadBefore: number; loadAfter: number };

/** What could not be measured is null. */
export type ContributionReport = {
  statements: Statement[];
  proving: Proving | null;
  crediting: (Crediting & Loads) | null;
  audit: (Audit & Loads) | null;
};

export type ContributionSize = { proofs: number; crediting: CreditingSize; audit: AuditSize };
export const fullContribution: ContributionSize = { proofs: 9, crediting: fullCrediting, audit: fullAudit };
export const quickContribution: ContributionSize = {
  proofs: 3,
  crediting: quickCrediting,
  audit: quickAudit,
};

/** Loops of one epoch for each node: it stands in four times as many. */
export const LOOPS_A_NODE = (ROUNDS * SLOTS) / LOOP_TARGETS;

export const measureContribution = async (
  { proofs, crediting, audit }: ContributionSize,
  failed: (error: unknown) => null,
): Promise<ContributionReport> => {
  const theirs = await semaphore();
  return {
    statements: [await ourStatement(), semaphoreStatement(theirs)],
    proving: await measureProving(theirs, proofs).catch(failed),
    crediting: await loaded(() => measureCrediting(crediting)).catch(failed),
    audit: await loaded(() => measureAudit(audit)).catch(failed),
  };
};

const loaded = async <T>(work: () => Promise<T>): Promise<T & Loads> => {
  const loadBefore = load();
  const results = await work();
  return { ...results, loadBefore, loadAfter: load() };
};

/** From a compilation, which has to give what the manifest names. */
const ourStatement = async (): Promise<Statement> => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-statement-'));
  try {
    const { r1cs, constraints } = await compile(SOURCE, folder);
    if (sha256Of(r1cs) !== manifest.sha256['contribution.r1cs'])
      throw new Error('the manifest is of another statement');
    const { 'contribution.wasm': wasm, 'contribution.zkey': zkey } = artifactUrls;
    return { name: STATEMENT, constraints, setup: manifest.setup, wasm: bytesOf(wasm), zkey: bytesOf(zkey) };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const semaphoreStatement = ({ version, constraints, files }: Semaphore): Statement => ({
  name: `Semaphore(16) of ${version}`,
  constraints,
  setup: 'bench',
  wasm: bytesOf(files.wasm),
  zkey: bytesOf(files.zkey),
});

const bytesOf = (path: string | URL): Bytes => {
  const bytes = readFileSync(path);
  return { raw: bytes.length, gzip: gzipSync(bytes).length };
};

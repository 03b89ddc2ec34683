import { readFile } from 'node:fs/promises';
import { artifactUrls, Prover } from '#circuits/prove.ts';
import { text } from '#shared/bytes/bytes.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { sortEntries } from '#shared/contribution/entries.ts';
import type { Holding, OpenClaim } from '#shared/contribution/statement.ts';
import { commitmentOf, scopeOf, secretFrom, signalHashOf } from '#shared/contribution/tags.ts';
import { TIERS } from '#shared/contribution/tiers.ts';
import { type Entry, TreeBuilder } from '#shared/contribution/tree.ts';

export const secretNamed = (name: string): bigint => secretFrom(sha256(text(name)));

/** An epoch of 18 nodes: a second level that is full but for its last node. */
export const secrets = Array.from({ length: 18 }, (_, i) => secretNamed(`node ${String(i)}`));

export const entries: Entry[] = sortEntries(
  secrets.map((secret, i) => ({ commitment: commitmentOf(secret), score: TIERS[i % 4] ?? 3 })),
);

export const tree = new TreeBuilder(entries).finish();

/** The holder of the leaf at a place. */
export const holdingAt = (index: number): Holding => {
  const entry = entries[index];
  const secret = secrets.find((each) => commitmentOf(each) === entry?.commitment);
  if (entry === undefined || secret === undefined) throw new RangeError('no leaf there');
  return { secret, score: entry.score, index, siblings: tree.siblings(index) };
};

export const EPOCH = 495_000;

/** That the holder at a place has just the score. */
export const claimAt = (index: number): OpenClaim => ({
  root: tree.root,
  epoch: EPOCH,
  scope: scopeOf(text('tokens')),
  threshold: entries[index]?.score ?? 0,
  signalHash: signalHashOf(text(`request ${String(index)}`)),
});

export const openProver = async (): Promise<Prover> =>
  Prover.open(async (name) => new Uint8Array(await readFile(artifactUrls[name])));

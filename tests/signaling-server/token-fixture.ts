import { encode, type Value } from '#shared/bytes/codec.ts';
import { closedEpochCodec } from '#shared/contribution/closed.ts';
import { DEFAULT_EPOCH_MS, epochPlan, epochStart } from '#shared/contribution/epochs.ts';
import type { presentation } from '#shared/contribution/statement.ts';
import { blindTokens, issueSignalHash, tokenKeysOf, tokensFrom } from '#shared/contribution/tokens.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { evaluateBlinded, type Blinded } from '#shared/crypto/voprf.ts';
import {
  requestCodec,
  type CostlyRequest,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { PROOF_BATCH, tokenScope, type Token } from '#shared/directory/tokens.ts';
import { closedId } from '#server/services/audit-documents.ts';
import type { Archive } from '#server/stores/ports.ts';
import { claimAt, entries, EPOCH, holdingAt, openProver, tree } from '#tests/circuits/sample.ts';
import { directoryKeys } from './directory-fixture.ts';

export const plan = epochPlan(DEFAULT_EPOCH_MS);
/** The sample's epoch is over, and so are its scores' ten minutes. */
export const START_MS = epochStart(EPOCH + 1, plan) + 600_000;

export type Presentation = Value<typeof presentation>;

/** Some proofs' elements, and the elements of the tokens that they pay for. */
export const batchNamed = (byte: number, count = PROOF_BATCH): Blinded[] =>
  blindTokens(count, seededRng(new Uint8Array(32).fill(byte)));

export const elementsOf = (blinded: Blinded[]): Uint8Array[] => blinded.map(({ element }) => element);

export type Proved = { blinded: Blinded[]; payment: { type: 'proof' } & Presentation };

let prover: ReturnType<typeof openProver> | undefined;

/** The holder at a place pays for the batch; takes a second. */
export const proveFor = async (
  place: number,
  blinded: Blinded[],
  scope: bigint = tokenScope,
): Promise<Proved> => {
  const signalHash = issueSignalHash(elementsOf(blinded));
  const claim = { ...claimAt(place), scope, signalHash };
  const { proof, nullifier } = await (await (prover ??= openProver())).prove(claim, holdingAt(place));
  const { threshold } = claim;
  return { blinded, payment: { type: 'proof', epoch: EPOCH, threshold, nullifier, proof } };
};

export const issueOf = (
  { blinded, payment }: Proved,
  more: Partial<Presentation> = {},
): DirectoryRequest => ({
  type: 'issue',
  payment: { ...payment, ...more },
  blinded: elementsOf(blinded),
});

/** Puts an epoch's scores into the archive, as its end would. */
export const closeEpoch = (archive: Archive, epoch = EPOCH, root = tree.root): Promise<boolean> =>
  archive.putDocument({
    id: closedId(epoch),
    bytes: encode(closedEpochCodec, { root, entries }),
    expires: START_MS + 100 * DEFAULT_EPOCH_MS,
  });

/** Tokens as who asked for them has them in the end. */
export const tokensOf = (answer: DirectoryResponse, blinded: Blinded[], publicKey: Uint8Array): Token[] => {
  if (answer.type !== 'issued') throw new Error(`no tokens but ${JSON.stringify(answer)}`);
  return tokensFrom({ epoch: answer.epoch, publicKey }, blinded, answer);
};

/** Tokens that nobody paid for, made with the directory's key, or another's. */
export const madeTokens = (epoch: number, count = 1, secret = directoryKeys.signing.secret): Token[] => {
  const keys = tokenKeysOf(secret, epoch);
  const blinded = batchNamed(epoch % 251, count);
  const evaluation = evaluateBlinded(keys, elementsOf(blinded), seededRng(new Uint8Array(32)));
  return tokensFrom({ epoch, publicKey: keys.public }, blinded, evaluation);
};

export const depositOf = (id: number): CostlyRequest => ({
  type: 'deposit',
  mailbox: new Uint8Array(32).fill(1),
  id: new Uint8Array(16).fill(id),
  blob: new Uint8Array(4_096).fill(id),
});

export const paidWith = (token: Token, request: DirectoryRequest): DirectoryRequest => ({
  type: 'paid',
  token,
  request: encode(requestCodec, request),
});

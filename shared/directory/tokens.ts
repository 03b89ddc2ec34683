import { concat, text } from '../bytes/bytes.ts';
import { fixed, list, struct, u32, u64, union, type Value } from '../bytes/codec.ts';
import { presentation } from '../contribution/statement.ts';
import { scopeOf } from '../contribution/tags.ts';
import { TOKEN_INPUT_LENGTH } from '../contribution/tokens.ts';
import { sha256 } from '../crypto/kdf.ts';
import { BATCH_PROOF_LENGTH, ELEMENT_LENGTH, OUTPUT_LENGTH } from '../crypto/voprf.ts';

/** Tokens that one proof buys, and one piece of work. */
export const PROOF_BATCH = 32;
export const WORK_BATCH = 8;

const WORK_LABEL = text('hourglass token work 1');

/** What a proof is spent on that buys tokens. */
export const tokenScope = scopeOf(text('tokens'));

/**
 * Blind tokens (RFC 9497, VOPRF mode, ristretto255-SHA512) against a proof or work:
 *
 *     payment (1: 1 proof: presentation (293) | 2 work: number (8)) ‖ count (2) ‖ blinded elements (32 each)
 */
export const issueCodec = struct({
  payment: union({ proof: [1, presentation], work: [2, struct({ work: u64 })] }),
  blinded: list(fixed(ELEMENT_LENGTH), PROOF_BATCH),
});

/** Of the work that pays for these elements on one circuit: label ‖ binding (32) ‖ SHA-256( blinded elements ) (32). */
export const issueChallenge = (binding: Uint8Array, blinded: readonly Uint8Array[]): Uint8Array =>
  concat(WORK_LABEL, binding, sha256(...blinded));

/** epoch of the key (4) ‖ count (2) ‖ evaluated elements (32 each) ‖ DLEQ proof (64). */
export const issuedCodec = struct({
  epoch: u32,
  evaluated: list(fixed(ELEMENT_LENGTH), PROOF_BATCH),
  proof: fixed(BATCH_PROOF_LENGTH),
});

/** epoch of its key (4) ‖ input (32) ‖ output (64): 100 bytes. */
export const tokenCodec = struct({
  epoch: u32,
  input: fixed(TOKEN_INPUT_LENGTH),
  output: fixed(OUTPUT_LENGTH),
});
export type Token = Value<typeof tokenCodec>;

export const TOKEN_LENGTH = 4 + TOKEN_INPUT_LENGTH + OUTPUT_LENGTH;

import { concat, text } from '../bytes/bytes.ts';
import { encode, u32 } from '../bytes/codec.ts';
import { hkdf } from '../crypto/kdf.ts';
import type { Rng } from '../crypto/rng.ts';
import {
  blindInputs,
  deriveVoprfKeys,
  finalizeBlinded,
  isOutputOf,
  type Blinded,
  type Evaluation,
  type VoprfKeys,
} from '../crypto/voprf.ts';
import { signalHashOf } from './tags.ts';

const KEY_LABEL = text('hourglass token key 1');
const KEY_SEED_LENGTH = 32;
export const TOKEN_INPUT_LENGTH = 32;

/** An input that somebody drew and the output that the directory's key of the epoch makes of it; it pays for one request. */
type Token = { readonly epoch: number; readonly input: Uint8Array; readonly output: Uint8Array };

/** An epoch's keys, from the directory's signing secret: DeriveKeyPair( HKDF( secret, info = label ‖ epoch (4) ), label ). */
export const tokenKeysOf = (secret: Uint8Array, epoch: number): VoprfKeys =>
  deriveVoprfKeys(hkdf(secret, concat(KEY_LABEL, encode(u32, epoch)), KEY_SEED_LENGTH), KEY_LABEL);

/** New inputs, blinded. */
export const blindTokens = (count: number, rng: Rng): Blinded[] =>
  blindInputs(
    Array.from({ length: count }, () => rng(TOKEN_INPUT_LENGTH)),
    rng,
  );

/** What binds the proof that pays for tokens to these blinded elements and their order. */
export const issueSignalHash = (elements: readonly Uint8Array[]): bigint => signalHashOf(concat(...elements));

/** `publicKey`: that of `epoch`, as the consensus has it. Throws `malformed`, or `bad-signature` when another key was used. */
export const tokensFrom = (
  { epoch, publicKey }: { epoch: number; publicKey: Uint8Array },
  blinded: readonly Blinded[],
  evaluation: Evaluation,
): Token[] =>
  finalizeBlinded(publicKey, blinded, evaluation).map((output, at) => ({
    epoch,
    input: (blinded[at] as Blinded).input,
    output,
  }));

/** `keys`: those of the token's epoch. */
export const isGenuine = (keys: VoprfKeys, { input, output }: Token): boolean =>
  isOutputOf(keys, input, output);

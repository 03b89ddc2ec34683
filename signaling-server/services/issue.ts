import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode, struct, u32, type Value } from '#shared/bytes/codec.ts';
import { acceptsEpoch, acceptsToken } from '#shared/contribution/epochs.ts';
import { field, fieldBytes } from '#shared/contribution/field.ts';
import { isTier } from '#shared/contribution/tiers.ts';
import { issueSignalHash } from '#shared/contribution/tokens.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { workBits } from '#shared/crypto/work.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { issueChallenge, PROOF_BATCH, tokenScope, WORK_BATCH } from '#shared/directory/tokens.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Circuit, RequestOf, Service } from './context.ts';
import type { Mint } from './mint.ts';
import type { Roots } from './roots.ts';
import { claimMs, type TokenOptions } from './tokens.ts';
import { heldTo, Rate } from './toll.ts';

/** What is asked at least for a batch: about a second of a tab. */
const FIRST_BITS = 18;

export type IssueOptions = TokenOptions & {
  mint: Mint;
  roots: Roots;
  /** The epoch that the latest consensus names, so that who asks has its key. */
  epoch(): number | undefined;
  /** Batches for work a minute before more work is asked for. */
  batches: number;
  mostBits: number;
};

type Payment<K extends RequestOf<'issue'>['payment']['type']> = Extract<
  RequestOf<'issue'>['payment'],
  { type: K }
>;

/** What was paid for: hash of the elements (32) ‖ epoch of the key under which they are evaluated, now and again (4). */
const batchCodec = struct({ signalHash: field, epoch: u32 });
type Batch = Value<typeof batchCodec>;

/**
 * Evaluates blinded tokens for a proof of contribution or for work. A payment stands for one batch under one key: the same
 * request again gets the same tokens, whenever and at whichever process, and no other batch can be had for it.
 */
export class Issue implements Service<'issue'> {
  readonly #options: IssueOptions;
  readonly #rate: Rate;

  constructor(options: IssueOptions) {
    this.#options = options;
    this.#rate = new Rate(options.batches);
  }

  /**
   * Throws `malformed`, `too-many`, `stale` or `not-found` (no scores of that epoch), `bad-signature` (a proof that does not
   * hold), `replayed` or `no-consensus`, and `try-later` when more wait than can be served; may ask for work.
   */
  async handle(request: RequestOf<'issue'>, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const { mint, keys, epochs } = this.#options;
    const { payment, blinded } = request;
    checkElements(blinded, payment.type === 'proof' ? PROOF_BATCH : WORK_BATCH);
    const epoch = this.#options.epoch();
    // A consensus of long ago names a key whose tokens are good no more.
    if (epoch === undefined || !acceptsToken(epoch, now, epochs)) throw new RemoteError('no-consensus');
    const batch = { signalHash: issueSignalHash(blinded), epoch };
    const paid =
      payment.type === 'proof'
        ? await this.#proved(payment, batch, circuit, now)
        : await this.#worked(payment, { ...batch, blinded }, circuit, now);
    if (typeof paid === 'number') return { type: 'work', bits: paid };
    const { evaluated, proof } = await mint.evaluate(keys.of(paid.epoch), blinded);
    return { type: 'issued', epoch: paid.epoch, evaluated: [...evaluated], proof };
  }

  /** Cheap checks first. What is claimed already needs no second check: its proof held. */
  async #proved(payment: Payment<'proof'>, batch: Batch, circuit: Circuit, now: Millis): Promise<Batch> {
    const { live, mint, roots, epochs } = this.#options;
    const { epoch, threshold, nullifier, proof } = payment;
    if (!acceptsEpoch(epoch, now, epochs)) throw new RemoteError('stale', 'a proof of another epoch');
    if (!isTier(threshold)) throw new RemoteError('malformed', 'no tier');
    const root = await roots.of(epoch, now);
    if (root === undefined) throw new RemoteError('not-found', 'no scores of that epoch');
    const name = `nullifier/${String(epoch)}/tokens/${hex(fieldBytes(nullifier))}`;
    const known = await live.claimed(name);
    if (known) return ownBatch(known, batch);
    if (!circuit.proofs.take(now)) throw new RemoteError('too-many', 'proofs a minute');
    const { signalHash } = batch;
    const claim = { nullifier, root, epoch, scope: tokenScope, threshold, signalHash };
    if (!(await mint.verify(proof, claim)))
      throw new RemoteError('bad-signature', 'a proof that does not hold');
    return ownBatch(await live.claim(name, encode(batchCodec, batch), claimMs(epoch, now, epochs)), batch);
  }

  /** Bits of work that are not shown, or the batch. */
  async #worked(
    { work }: Payment<'work'>,
    { blinded, ...batch }: Batch & { blinded: Uint8Array[] },
    circuit: Circuit,
    now: Millis,
  ): Promise<Batch | number> {
    const { live, mint, epochs } = this.#options;
    if (mint.busy) throw new LocalError('try-later', 'proofs wait');
    const challenge = issueChallenge(circuit.binding, blinded);
    const asked = heldTo(circuit.askedForTokens, this.bits(now), now);
    if (workBits(challenge, work) < asked.bits) {
      circuit.askedForTokens = asked;
      return asked.bits;
    }
    this.#rate.came(now);
    const name = `work/${hex(sha256(challenge))}`;
    const standing = await live.claim(name, encode(batchCodec, batch), claimMs(batch.epoch, now, epochs));
    return ownBatch(standing, batch);
  }

  /** What is asked for a batch now. */
  bits(now: Millis): number {
    const more = Math.max(0, this.#rate.doublings(now) + 1);
    return Math.min(this.#options.mostBits, FIRST_BITS + more);
  }
}

const checkElements = (elements: readonly Uint8Array[], most: number): void => {
  if (elements.length > most) throw new RemoteError('too-many', 'tokens in a batch');
  if (elements.length === 0 || new Set(elements.map(hex)).size < elements.length)
    throw new RemoteError('malformed', 'no elements, or one twice');
};

const ownBatch = (standing: Uint8Array, { signalHash }: Batch): Batch => {
  const batch = decode(batchCodec, standing);
  if (batch.signalHash !== signalHash) throw new RemoteError('replayed', 'spent on another batch');
  return batch;
};

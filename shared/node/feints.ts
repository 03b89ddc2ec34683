import { equal } from '../bytes/bytes.ts';
import { uniformBetween, type Rng } from '../crypto/rng.ts';
import type { ConsensusNode } from '../directory/consensus.ts';
import { RemoteError, type Code } from '../errors.ts';
import { answerIdOf, sealOffer, type PendingAnswer } from '../signal/seal.ts';
import type { Session } from '../signal/session.ts';
import { nodeIdBytes, type LinkId, type Millis } from '../units.ts';
import type { Context } from './context.ts';
import type { KeyRing } from './keys.ts';

/** A feint is answered after about as long as it takes to answer an offer. */
const ANSWER_LEAST_MS: Millis = 50;
const ANSWER_MOST_MS: Millis = 500;
/** Feints whose answers are waited for, and those that are being answered. */
const MAX_SENT = 32;
const MAX_ANSWERING = 16;

/** A session without a candidate: nothing can be opened by it. */
const feint = (rng: Rng): Session => ({
  ...{ kind: 'offer', ufrag: 'none', pwd: 'none'.repeat(6), fingerprint: rng(32) },
  ...{ setup: 'actpass', candidates: [] },
});

export const isFeint = ({ candidates }: Session): boolean => candidates.length === 0;

type Parts = {
  context: Context;
  keys: KeyRing;
  replyAddress(): Uint8Array | undefined;
  signal(to: Uint8Array, sealed: Uint8Array, failed: (code: Code) => void): void;
};

/**
 * Offers that open nothing, to nodes that are linked already. By signals that are missing the directory could tell which nodes
 * this one had linked to before it had a name.
 */
export class Feints {
  readonly #parts: Parts;
  /** Those whose answers say nothing, newest first. */
  #sent: PendingAnswer[] = [];
  #answering = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  send({ id, signallingKey }: ConsensusNode): void {
    const { context, keys } = this.#parts;
    const reply = this.#parts.replyAddress();
    if (!reply) return;
    const from = { id: keys.id, secret: keys.secret };
    context.guard(
      () => {
        const to = { to: id, toKey: signallingKey };
        const offer = { ...to, reply, from, now: context.now, session: feint(context.rng) };
        const { sealed, pending } = sealOffer(context.rng, offer);
        this.#sent = [pending, ...this.#sent].slice(0, MAX_SENT);
        this.#parts.signal(nodeIdBytes(id), sealed, () => undefined);
      },
      () => undefined,
    );
  }

  isAnswer(sealed: Uint8Array): boolean {
    return this.#sent.some(({ answerId }) => equal(answerId, answerIdOf(sealed)));
  }

  /** Throws `too-many`. */
  answer(link: LinkId, answer: () => void): void {
    const { context } = this.#parts;
    if (this.#answering >= MAX_ANSWERING) throw new RemoteError('too-many', 'feints under way');
    this.#answering += 1;
    context.after(
      `feint:${String(link)}`,
      uniformBetween(context.rng, ANSWER_LEAST_MS, ANSWER_MOST_MS),
      () => {
        this.#answering -= 1;
        answer();
      },
    );
  }
}

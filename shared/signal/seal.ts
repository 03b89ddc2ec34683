import { concat, equal, text } from '../bytes/bytes.ts';
import { encode, fixed, mapped, optional, struct, u64, u8, union, type Codec } from '../bytes/codec.ts';
import { nodeIdCodec, REPLY_ADDRESS_LENGTH, SEALED_SIGNAL_LENGTH, signatureCodec } from '../bytes/fields.ts';
import { Reader } from '../bytes/reader.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal, ZERO_NONCE } from '../crypto/aead.ts';
import { hkdf, sha256 } from '../crypto/kdf.ts';
import {
  XWING_CIPHERTEXT_LENGTH,
  XWING_ENCAPSULATION_SEED_LENGTH,
  xwingDecapsulate,
  xwingEncapsulate,
} from '../crypto/kem.ts';
import type { Rng } from '../crypto/rng.ts';
import { sign, verify } from '../crypto/sign.ts';
import { byteOfCode, codeOf, codeOfByte, LocalError, RemoteError, type Code } from '../errors.ts';
import { nodeIdBytes, type Millis, type NodeId } from '../units.ts';
import type { ReplayCache } from './replays.ts';
import { MEETING_LENGTH, type PassSecret } from './pass.ts';
import { anySessionCodec, type PassSession, type Session } from './session.ts';

/**
 * Signalling that the directory passes on and cannot read. Both messages have 2,048 bytes, whatever they carry:
 *
 *     offer  = X-Wing ciphertext (1,120) ‖ AEAD( offer content ‖ zeros )
 *     answer = answer id (16) ‖ nonce (12) ‖ AEAD( answer content ‖ zeros )
 *
 *     offer key (32) ‖ answer key (32) ‖ answer id (16) ‖ pass secret (32) ‖ meeting (16)
 *            = HKDF( X-Wing secret, label ‖ recipient's node id )
 *
 * The AEAD's associated data is what stands before it. The recipient's signalling key is in the descriptor that it
 * signed; who holds its secret alone can answer, and the answer is signed by the recipient's node key besides.
 */
export const SEALED_LENGTH = SEALED_SIGNAL_LENGTH;
const LABEL = text('hourglass signal 1');
const OFFER = 'hourglass offer 1';
const ANSWER = 'hourglass answer 1';

/** Older than this, or as far ahead, is refused. */
export const SIGNAL_LIFE_MS: Millis = 120_000;

const ANSWER_ID_LENGTH = 16;
const NONCE_LENGTH = 16;
const OFFER_ROOM = SEALED_LENGTH - XWING_CIPHERTEXT_LENGTH - AEAD_TAG_LENGTH;
const ANSWER_ROOM = SEALED_LENGTH - ANSWER_ID_LENGTH - AEAD_NONCE_LENGTH - AEAD_TAG_LENGTH;

/** to (32) ‖ present (1) [‖ from (32)] ‖ reply (16) ‖ nonce (16) ‖ time, ms (8) ‖ session. */
const offerCodec = struct({
  to: nodeIdCodec,
  /** Absent from a node that has not registered: its first links are asked for without a name. */
  from: optional(nodeIdCodec),
  reply: fixed(REPLY_ADDRESS_LENGTH),
  nonce: fixed(NONCE_LENGTH),
  time: u64,
  session: anySessionCodec,
});

const codeCodec: Codec<Code> = mapped(u8, codeOfByte, byteOfCode);

/** 1 ‖ session, or 2 ‖ code (1). */
const answerCodec = union({
  session: [1, struct({ session: anySessionCodec })],
  refused: [2, struct({ code: codeCodec })],
});
type AnySession = Session | PassSession;
export type Answer = { session: AnySession } | { refused: Code };

export type NodeKeys = { id: NodeId; secret: Uint8Array };

/** What the dialler keeps until the answer is there; `answerId` (16) finds it. */
export type PendingAnswer = AnswerKey & { to: NodeId };
/** What answers one offer. */
export type AnswerKey = { answerId: Uint8Array; key: Uint8Array; offerHash: Uint8Array; pass: PassSecret };
/** `from` is undefined for an offer without a name. */
export type OpenedOffer = {
  from: NodeId | undefined;
  reply: Uint8Array;
  session: AnySession;
  answerKey: AnswerKey;
};

export type OfferInput = {
  to: NodeId;
  /** The recipient's signalling key (1,216). */
  toKey: Uint8Array;
  reply: Uint8Array;
  from: NodeKeys | undefined;
  now: Millis;
  session: AnySession;
};

/**
 * Candidates of the lowest priority are left out when the padded size cannot hold all. Throws `bad-key` for a
 * malformed signalling key and `too-long` (LocalError) when not even one candidate fits.
 */
export const sealOffer = (rng: Rng, input: OfferInput): { sealed: Uint8Array; pending: PendingAnswer } => {
  const { ciphertext, secret } = xwingEncapsulate(input.toKey, rng(XWING_ENCAPSULATION_SEED_LENGTH));
  const keys = deriveKeys(secret, input.to);
  const nonce = rng(NONCE_LENGTH);
  const content = fitting(OFFER_ROOM, input.session, (session) => {
    const { to, reply, from, now } = input;
    const body = encode(offerCodec, { to, from: from?.id, reply, nonce, time: now, session });
    return from ? concat(body, sign(OFFER, from.secret, body)) : body;
  });
  const sealed = concat(ciphertext, seal(keys.offer, ZERO_NONCE, padded(content, OFFER_ROOM), ciphertext));
  return { sealed, pending: { to: input.to, ...answerKeyOf(keys, sealed) } };
};

/** The recipient's own name and its signalling secrets that are still held, newest first. */
export type OfferKeys = { id: NodeId; signalling: readonly { secret: Uint8Array }[] };

/**
 * Throws `malformed`, `bad-layer` (sealed to another key, or changed), `unexpected` (meant for another node, or no
 * offer), `bad-signature`, `stale` or `replayed`.
 */
export const openOffer = (
  keys: OfferKeys,
  sealed: Uint8Array,
  now: Millis,
  replays: ReplayCache,
): OpenedOffer => {
  if (sealed.length !== SEALED_LENGTH) throw new RemoteError('malformed', 'not of the sealed length');
  const { content, derived } = openWithAny(keys, sealed);
  const reader = new Reader(content);
  const offer = offerCodec.read(reader);
  const body = content.subarray(0, content.length - reader.remaining);
  if (offer.from !== undefined) {
    const signature = signatureCodec.read(reader);
    if (!verify(OFFER, nodeIdBytes(offer.from), signature, body)) throw new RemoteError('bad-signature');
  }
  endPadded(reader);
  if (offer.to !== keys.id || !isOffer(offer.session)) throw new RemoteError('unexpected');
  if (Math.abs(now - offer.time) > SIGNAL_LIFE_MS) throw new RemoteError('stale');
  if (!replays.take(offer.nonce)) throw new RemoteError('replayed');
  const { from, reply, session } = offer;
  return { from, reply, session, answerKey: answerKeyOf(derived, sealed) };
};

/** Throws `too-long` (LocalError) as `sealOffer` does. */
export const sealAnswer = (rng: Rng, answerKey: AnswerKey, own: NodeKeys, answer: Answer): Uint8Array => {
  const signed = (value: Parameters<typeof answerCodec.write>[1]): Uint8Array => {
    const body = encode(answerCodec, value);
    return concat(body, sign(ANSWER, own.secret, answerKey.offerHash, body));
  };
  const content =
    'session' in answer
      ? fitting(ANSWER_ROOM, answer.session, (session) => signed({ type: 'session', session }))
      : signed({ type: 'refused', code: answer.refused });
  const head = concat(answerKey.answerId, rng(AEAD_NONCE_LENGTH));
  const nonce = head.subarray(ANSWER_ID_LENGTH);
  return concat(head, seal(answerKey.key, nonce, padded(content, ANSWER_ROOM), head));
};

/** The first 16 bytes of a sealed answer: which pending offer it belongs to. */
export const answerIdOf = (sealed: Uint8Array): Uint8Array => sealed.slice(0, ANSWER_ID_LENGTH);

/** Throws `malformed`, `unexpected` (the answer to another offer, or no answer), `bad-layer` or `bad-signature`. */
export const openAnswer = (pending: PendingAnswer, sealed: Uint8Array): Answer => {
  if (sealed.length !== SEALED_LENGTH) throw new RemoteError('malformed', 'not of the sealed length');
  if (!equal(answerIdOf(sealed), pending.answerId)) throw new RemoteError('unexpected');
  const head = sealed.subarray(0, ANSWER_ID_LENGTH + AEAD_NONCE_LENGTH);
  const content = open(pending.key, head.subarray(ANSWER_ID_LENGTH), sealed.subarray(head.length), head);
  const reader = new Reader(content);
  const answer = answerCodec.read(reader);
  const body = content.subarray(0, content.length - reader.remaining);
  const signature = signatureCodec.read(reader);
  endPadded(reader);
  if (!verify(ANSWER, nodeIdBytes(pending.to), signature, pending.offerHash, body)) {
    throw new RemoteError('bad-signature');
  }
  if (answer.type === 'refused') return { refused: answer.code };
  if (isOffer(answer.session)) throw new RemoteError('unexpected');
  return { session: answer.session };
};

const isOffer = ({ kind }: AnySession): boolean => kind === 'offer' || kind === 'pass-offer';

type Derived = { offer: Uint8Array; answer: Uint8Array; answerId: Uint8Array; pass: PassSecret };

const deriveKeys = (secret: Uint8Array, to: NodeId): Derived => {
  const length = 32 + 32 + ANSWER_ID_LENGTH + 32 + MEETING_LENGTH;
  const reader = new Reader(hkdf(secret, concat(LABEL, nodeIdBytes(to)), length));
  return {
    offer: reader.take(32),
    answer: reader.take(32),
    answerId: reader.take(ANSWER_ID_LENGTH),
    pass: { secret: reader.take(32), meeting: reader.take(MEETING_LENGTH) },
  };
};

const answerKeyOf = ({ answerId, answer: key, pass }: Derived, sealed: Uint8Array): AnswerKey => ({
  answerId,
  key,
  offerHash: sha256(sealed),
  pass,
});

/** A wrong X-Wing secret decapsulates to noise, so the tag tells which key the offer was sealed to. */
const openWithAny = (keys: OfferKeys, sealed: Uint8Array): { content: Uint8Array; derived: Derived } => {
  const ciphertext = sealed.subarray(0, XWING_CIPHERTEXT_LENGTH);
  for (const { secret } of keys.signalling) {
    try {
      const derived = deriveKeys(xwingDecapsulate(ciphertext, secret), keys.id);
      const content = open(derived.offer, ZERO_NONCE, sealed.subarray(XWING_CIPHERTEXT_LENGTH), ciphertext);
      return { content, derived };
    } catch (error) {
      if (codeOf(error) !== 'bad-layer') throw error;
    }
  }
  throw new RemoteError('bad-layer');
};

/** The content with as many candidates as fit, the most preferred ones. */
const fitting = (
  room: number,
  session: AnySession,
  content: (session: AnySession) => Uint8Array,
): Uint8Array => {
  if ('key' in session) return content(session);
  const byPriority = [...session.candidates].sort((a, b) => b.priority - a.priority);
  for (let count = byPriority.length; count >= Math.min(1, byPriority.length); count--) {
    const kept = new Set(byPriority.slice(0, count));
    const candidates = session.candidates.filter((candidate) => kept.has(candidate));
    const bytes = content({ ...session, candidates });
    if (bytes.length <= room) return bytes;
  }
  throw new LocalError('too-long', 'a session that no sealed message can hold');
};

const padded = (content: Uint8Array, room: number): Uint8Array => {
  const out = new Uint8Array(room);
  out.set(content);
  return out;
};

const endPadded = (reader: Reader): void => {
  if (reader.rest().some((byte) => byte !== 0))
    throw new RemoteError('malformed', 'padding that is not zero');
};

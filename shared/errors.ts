/**
 * The one table of codes. A code travels as one byte (in DESTROY, REFUSED, END and the directory's error answer)
 * and as its name everywhere else.
 */
export const codes = {
  none: { byte: 0, meaning: 'no reason is given' },
  malformed: { byte: 1, meaning: 'bytes that do not parse' },
  oversized: { byte: 2, meaning: 'more bytes than the bound allows' },
  'bad-layer': { byte: 3, meaning: 'a layer whose authentication tag fails' },
  'bad-early': { byte: 4, meaning: 'RELAY_EARLY where it may not stand, or an EXTEND without it' },
  unexpected: { byte: 5, meaning: 'a message that this state does not take' },
  'bad-version': { byte: 6, meaning: 'a version that is not spoken here' },
  'bad-key': { byte: 7, meaning: 'an unknown, malformed or degenerate key' },
  'bad-confirm': { byte: 8, meaning: 'a handshake whose confirmation fails' },
  'bad-signature': { byte: 9, meaning: 'a signature that does not verify' },
  stale: { byte: 10, meaning: 'older than is accepted' },
  replayed: { byte: 11, meaning: 'seen before' },
  refused: { byte: 12, meaning: 'not served here' },
  'too-many': { byte: 13, meaning: 'over a limit' },
  'queue-full': { byte: 14, meaning: 'more cells queued than the bound' },
  'credit-exceeded': { byte: 15, meaning: 'more cells sent than were granted' },
  timeout: { byte: 16, meaning: 'no answer in time' },
  unreachable: { byte: 17, meaning: 'no link could be opened' },
  'link-lost': { byte: 18, meaning: 'the link below is gone' },
  'not-found': { byte: 19, meaning: 'nothing stands under that name' },
  'not-registered': { byte: 20, meaning: 'the node is not registered' },
  'too-small-network': { byte: 21, meaning: 'not enough nodes for a path' },
  finished: { byte: 22, meaning: 'closed by its owner' },
  'bad-address': { byte: 23, meaning: 'not a canonical address' },
  'bad-invite': { byte: 24, meaning: 'not an invite, or one that is not known' },
  expired: { byte: 25, meaning: 'past its time' },
  internal: { byte: 26, meaning: 'a fault of this program' },
  'no-consensus': { byte: 27, meaning: 'no usable consensus' },
  equivocation: { byte: 28, meaning: 'two signed consensuses that contradict each other' },
  storage: { byte: 29, meaning: 'the store failed' },
  'too-long': { byte: 30, meaning: 'longer than is accepted' },
  'not-started': { byte: 31, meaning: 'the client has no identity yet' },
  'unknown-conversation': { byte: 32, meaning: 'no such conversation' },
  destroyed: { byte: 33, meaning: 'the circuit was destroyed from the other side' },
  'try-later': { byte: 34, meaning: 'not now; try again later' },
  'token-needed': { byte: 35, meaning: 'a token has to be spent for it' },
  'bad-passphrase': { byte: 36, meaning: 'not the passphrase, or none that can be one' },
  'bad-phrase': { byte: 37, meaning: 'not the recovery phrase' },
  'bad-backup': { byte: 38, meaning: 'no backup, or one that is damaged or not whole' },
  locked: { byte: 39, meaning: 'opens by its passphrase only' },
  moved: { byte: 40, meaning: 'the profile goes on in another browser' },
} as const;

export type Code = keyof typeof codes;

const byByte = new Map<number, Code>(Object.entries(codes).map(([name, { byte }]) => [byte, name as Code]));

/** A byte that stands for no code reads as `none`. */
export const codeOfByte = (byte: number): Code => byByte.get(byte) ?? 'none';

export const byteOfCode = (code: Code): number => codes[code].byte;

const sentence = (code: Code, detail?: string): string =>
  detail === undefined ? `${code}: ${codes[code].meaning}` : `${code}: ${detail}`;

/** The peer's fault: what it sent is refused, and the connection, circuit or stream that carried it may end. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: Code;
  constructor(code: Code, detail?: string) {
    super(sentence(code, detail));
    this.code = code;
  }
}

/** This side's fault, or something that its user can mend; the detail says how. */
export class LocalError extends Error {
  override readonly name = 'LocalError';
  readonly code: Code;
  constructor(code: Code, detail?: string) {
    super(sentence(code, detail));
    this.code = code;
  }
}

/** The code of anything thrown; what carries none is a fault of this program. */
export const codeOf = (error: unknown): Code =>
  error instanceof RemoteError || error instanceof LocalError ? error.code : 'internal';

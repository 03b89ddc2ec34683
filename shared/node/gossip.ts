import { decode, encode, list } from '../bytes/codec.ts';
import { contradict, statementCodec, verifyStatement, type Statement } from '../directory/consensus.ts';
import { RemoteError } from '../errors.ts';
import type { Context } from './context.ts';
import type { Link, Links } from './links.ts';

/** Statements of so many numbers back are compared: over four hours of them. */
const KEPT = 256;

/**
 * The body of a GOSSIP cell: count (2: 1 | 2) ‖ statements (136 each). One is of the consensus that its sender uses; two
 * contradict each other, and convict the directory.
 */
const gossipCodec = list(statementCodec, 2);

const encodeGossip = (statements: Statement[]): Uint8Array => encode(gossipCodec, statements);

type Parts = {
  context: Context;
  links: Links;
  /** What an earlier session learned. */
  evidence: Uint8Array | undefined;
  /** Called once. */
  convicted(): void;
};

/**
 * Compares what the directory says here with what it says to the neighbours. What contradicts itself is passed on to all
 * of them, so that everybody hears of it.
 */
export class Gossip {
  readonly #parts: Parts;
  #directoryKey: Uint8Array | undefined;
  /** The newest of the own consensuses. */
  #own: Statement | undefined;
  readonly #statements = new Map<number, Statement>();
  #evidence: Statement[] | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get convicted(): boolean {
    return this.#evidence !== undefined;
  }

  /** A verified consensus came. False when it contradicts what is known. */
  witness(directoryKey: Uint8Array, statement: Statement): boolean {
    if (!this.#directoryKey) this.#remember(directoryKey);
    if (!this.convicted) this.#note(statement);
    if (this.convicted) return false;
    if (statement.sequence > (this.#own?.sequence ?? 0)) {
      this.#own = statement;
      this.#tellAll();
    }
    return true;
  }

  opened(link: Link): void {
    this.#tell(link);
  }

  /** Throws `malformed`, `oversized` or `bad-signature`. */
  receive(body: Uint8Array): void {
    const statements = decode(gossipCodec, body);
    const [one, other] = statements;
    if (!one || (other && !contradict(one, other))) throw new RemoteError('malformed', 'no gossip');
    // Without a consensus there is nothing to compare; the neighbour tells its next one too.
    if (this.#evidence || !this.#directoryKey) return;
    for (const statement of statements) this.#hear(statement, this.#directoryKey);
    if (one && other) this.#convict([one, other]);
  }

  /** What is kept may be of another directory. */
  #remember(directoryKey: Uint8Array): void {
    this.#directoryKey = directoryKey;
    const { evidence, context } = this.#parts;
    if (evidence)
      context.guard(
        () => this.receive(evidence),
        () => undefined,
      );
  }

  #hear(statement: Statement, directoryKey: Uint8Array): void {
    const known = this.#statements.get(statement.sequence);
    if (known && !contradict(known, statement)) return;
    // Of these a neighbour could tell without end, each of which would have to be checked.
    if (this.#statements.size >= KEPT && statement.sequence < this.#oldest()) return;
    if (!verifyStatement(directoryKey, statement)) throw new RemoteError('bad-signature');
    this.#note(statement);
  }

  #note(statement: Statement): void {
    const { sequence } = statement;
    for (const at of [sequence - 1, sequence, sequence + 1]) {
      const other = this.#statements.get(at);
      if (other && contradict(other, statement)) return this.#convict([other, statement]);
    }
    this.#statements.set(sequence, statement);
    if (this.#statements.size > KEPT) this.#statements.delete(this.#oldest());
  }

  #oldest(): number {
    return Math.min(...this.#statements.keys());
  }

  #convict(evidence: Statement[]): void {
    if (this.#evidence) return;
    this.#evidence = evidence;
    this.#statements.clear();
    this.#tellAll();
    const { context } = this.#parts;
    context.event({ type: 'alarm', code: 'equivocation' });
    context.event({ type: 'evidence', evidence: encodeGossip(evidence) });
    this.#parts.convicted();
  }

  #tellAll(): void {
    for (const link of this.#parts.links.all()) this.#tell(link);
  }

  #tell(link: Link): void {
    const statements = this.#evidence ?? (this.#own ? [this.#own] : []);
    // The directory knows what it said.
    if (link.kind === 'directory' || statements.length === 0) return;
    this.#parts.links.gossip(link, encodeGossip(statements));
  }
}

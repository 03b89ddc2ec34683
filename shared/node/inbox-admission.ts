import { relayCommand } from '../cell/commands.ts';
import { DEFAULT_EPOCH_MS, epochAt, epochPlan } from '../contribution/epochs.ts';
import { workBits } from '../crypto/work.ts';
import type { Consensus } from '../directory/consensus.ts';
import { codeOf, RemoteError, type Code } from '../errors.ts';
import { decodeTicket, ticketBits, ticketChallenge, type Ticket } from '../rendezvous/ticket.ts';
import type { Millis, NodeId, StreamId } from '../units.ts';
import type { Context } from './context.ts';
import { InboxTable } from './inbox-table.ts';
import { LINE_MS } from './limits.ts';
import { Line, type Kind } from './line.ts';
import { ProofChecks } from './proof-checks.ts';
import type { RelayEnd } from './relay-end.ts';

/** Of the places, the part up to which work gets in; the rest is kept for proofs. */
const WORK_PART = 3 / 4;

/** Who waits for a place. */
const MOST_IN_LINE = 64;

/** What was asked does for so long, also if more is asked of others by then. */
const ASKED_MS: Millis = 120_000;

const CIRCUIT = 0 as StreamId;

type Owner = { readonly circuit: RelayEnd };
type Entry<O> = { owner: O; tag: Uint8Array; kind: Kind; work: number | undefined };
/** `isWanted`: whether anyone still waits to hear what it is worth. */
type Shown<O> = { owner: O; tag: Uint8Array; ticket: Ticket; isWanted: () => boolean };
/** What a ticket is worth: a place, work that is still due, or nothing. */
type Verdict = { kind: Kind; work?: number } | { bits: number } | { code: Code };

type Parts = {
  context: Context;
  /** This node, as tickets name it. */
  self: NodeId;
  places: number;
  /** The most that is asked for an inbox, in bits. */
  mostWork: number;
  consensus(): Consensus | undefined;
};

/**
 * Who gets an inbox at this exit, by the policy of the consensus in use. Where tickets are asked for, a proof is worth
 * more than work, and who can't be let in waits for a place; elsewhere all are let in while there is room.
 */
export class InboxAdmission<O extends Owner> {
  readonly #parts: Parts;
  readonly #table: InboxTable<O>;
  readonly #line = new Line<Entry<O>>(MOST_IN_LINE);
  readonly #checks: ProofChecks;
  /** Of each circuit that waits, for its proof to be checked (undefined) or in the line. */
  readonly #waiting = new Map<O, Entry<O> | undefined>();
  readonly #asked = new WeakMap<O, { bits: number; at: Millis }>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#table = new InboxTable(parts.places);
    this.#checks = new ProofChecks(parts);
  }

  /** Inboxes held, circuits that wait. */
  get sizes(): { inboxes: number; waiting: number } {
    return { inboxes: this.#table.size, waiting: this.#waiting.size };
  }

  onConsensus(consensus: Consensus): void {
    this.#checks.onConsensus(consensus);
  }

  /**
   * Answers INBOX_OPEN, at once or later, by INBOX_OPENED, INBOX_WORK or REFUSED; the signature is checked. Throws
   * `unexpected`, `malformed` or `too-many` (for one circuit).
   */
  open(owner: O, tag: Uint8Array, bytes: Uint8Array): void {
    if (this.#waiting.has(owner))
      throw new RemoteError('unexpected', 'an INBOX_OPEN before the answer to the last');
    this.#table.checkRoom(tag, owner);
    this.#table.sweep(this.#parts.context.now);
    const policy = this.#parts.consensus()?.params.policy ?? 'off';
    if (policy === 'observe' && bytes.length > 0) this.#observe(owner, tag, bytes);
    if (policy !== 'enforce') return this.#give({ owner, tag, kind: 'work', work: undefined });
    const ticket = decodeTicket(bytes);
    if (ticket.type === 'none' && this.#table.has(tag)) {
      this.#table.resume(tag, owner);
      return this.#opened(owner, tag);
    }
    this.#waiting.set(owner, undefined);
    const isWanted = (): boolean => this.#waiting.has(owner);
    this.#judge({ owner, tag, ticket, isWanted }, (verdict) => {
      // Its circuit may have ended while the proof was checked.
      if (!this.#waiting.delete(owner)) return;
      if ('code' in verdict) this.#refuse(owner, verdict.code);
      else if ('bits' in verdict) this.#ask(owner, verdict.bits);
      else this.#admit({ owner, tag, kind: verdict.kind, work: verdict.work });
    });
  }

  /** The owner of the inbox. Throws as the table does. */
  introduce(tag: Uint8Array): O {
    return this.#table.introduce(tag, this.#parts.context.now);
  }

  /** The owner gives its inboxes up: others may have their places. False if it holds none and waits for none. */
  giveUp(owner: O): boolean {
    if (!this.#table.giveUp(owner)) return this.#waiting.has(owner);
    this.#fill();
    return true;
  }

  /** Its circuit ended. */
  closed(owner: O): void {
    this.#table.release(owner);
    const entry = this.#waiting.get(owner);
    this.#waiting.delete(owner);
    if (entry) this.#leaveLine(entry);
  }

  /** What is shown where nothing is asked is looked at all the same, and counted where it is not right. */
  #observe(owner: O, tag: Uint8Array, bytes: Uint8Array): void {
    const { context } = this.#parts;
    const refused = (code: Code): void => context.event({ type: 'refused', where: 'inbox', code });
    const judge = (): void =>
      this.#judge({ owner, tag, ticket: decodeTicket(bytes), isWanted: () => true }, (verdict) => {
        if ('code' in verdict) refused(verdict.code);
        else if ('bits' in verdict) refused('refused');
      });
    context.guard(judge, refused);
  }

  #judge({ owner, tag, ticket, isWanted }: Shown<O>, done: (verdict: Verdict) => void): void {
    const bits = Math.min(this.#parts.mostWork, ticketBits(this.#table.size / this.#table.places));
    if (ticket.type === 'none') return done({ bits });
    if (ticket.type === 'work') {
      const due = this.#due(owner, bits);
      const holds = this.#isWork(tag, ticket, due);
      return done(holds ? { kind: 'work', work: ticket.work } : { bits: due });
    }
    this.#checks.check(tag, ticket, isWanted, (code) => {
      if (code === undefined) return done({ kind: 'proof' });
      // The two ends may know different epochs for a while: work gets in all the same.
      done(code === 'stale' ? { bits } : { code });
    });
  }

  /** Bits that this circuit has to show: what it was asked a while ago does still. */
  #due(owner: O, bits: number): number {
    const asked = this.#asked.get(owner);
    return asked && this.#parts.context.now - asked.at <= ASKED_MS ? Math.min(bits, asked.bits) : bits;
  }

  #isWork(tag: Uint8Array, { work, epoch }: { work: number; epoch: number }, bits: number): boolean {
    const { consensus, context, self } = this.#parts;
    const { epoch: told = 0, params } = consensus() ?? {};
    // The owner may have a later consensus than this exit, though none of a time to come.
    const latest = Math.max(told, epochAt(context.now, epochPlan(params?.epochMs ?? DEFAULT_EPOCH_MS)));
    if (epoch < told - 1 || epoch > latest) return false;
    return !this.#table.hasSpent(tag, work) && workBits(ticketChallenge(self, tag, epoch), work) >= bits;
  }

  #ask(owner: O, bits: number): void {
    const due = this.#due(owner, bits);
    this.#asked.set(owner, { bits: due, at: this.#parts.context.now });
    owner.circuit.deliver({ stream: CIRCUIT, command: relayCommand.INBOX_WORK, data: Uint8Array.of(due) });
  }

  /** A ticket holds. Whose lease runs keeps its place. */
  #admit(entry: Entry<O>): void {
    this.#table.sweep(this.#parts.context.now);
    if (this.#table.has(entry.tag) || this.#hasPlace(entry.kind)) return this.#give(entry);
    const away = this.#line.add(entry);
    if (away !== entry) {
      this.#waiting.set(entry.owner, entry);
      this.#parts.context.after(timer(entry), LINE_MS, () => this.#turnAway(entry));
    }
    if (away) this.#turnAway(away);
    this.#watch();
  }

  #hasPlace(kind: Kind): boolean {
    const { size, places } = this.#table;
    return size < (kind === 'proof' ? places : WORK_PART * places);
  }

  /** Gives free places to who is first in line. */
  #fill(): void {
    this.#table.sweep(this.#parts.context.now);
    for (let { first } = this.#line; first && this.#hasPlace(first.kind); { first } = this.#line) {
      this.#waiting.delete(first.owner);
      this.#leaveLine(first);
      this.#give(first);
    }
    this.#watch();
  }

  /** While someone waits, the next lease's end is looked out for. */
  #watch(): void {
    const { context } = this.#parts;
    if (this.#line.size === 0) return context.timers.clear('inbox-line');
    const wait = Math.max(0, this.#table.nextEnd - context.now);
    if (wait <= LINE_MS) context.after('inbox-line', wait, () => this.#fill());
  }

  #give({ owner, tag, work }: Entry<O>): void {
    const { context, consensus } = this.#parts;
    const leaseMs = consensus()?.params.epochMs ?? DEFAULT_EPOCH_MS;
    try {
      this.#table.open(tag, owner, context.now, { leaseMs, work });
    } catch (error) {
      return this.#refuse(owner, codeOf(error));
    }
    this.#opened(owner, tag);
  }

  #opened({ circuit }: O, tag: Uint8Array): void {
    circuit.deliver({ stream: CIRCUIT, command: relayCommand.INBOX_OPENED, data: tag });
  }

  #turnAway(entry: Entry<O>): void {
    this.#waiting.delete(entry.owner);
    this.#leaveLine(entry);
    this.#refuse(entry.owner, 'too-many');
  }

  #leaveLine(entry: Entry<O>): void {
    this.#line.remove(entry);
    this.#parts.context.timers.clear(timer(entry));
  }

  /** The owner may try another exit. */
  #refuse(owner: O, code: Code): void {
    this.#parts.context.event({ type: 'refused', where: 'inbox', code });
    this.#table.release(owner);
    owner.circuit.refuse(code);
  }
}

const timer = ({ owner }: Entry<Owner>): string => `inbox-line:${String(owner.circuit.handle)}`;

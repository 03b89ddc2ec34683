import { relayCommand } from '../cell/commands.ts';
import { EXIT_HOP } from '../cell/geometry.ts';
import { decode } from '../bytes/codec.ts';
import { DEFAULT_EPOCH_MS } from '../contribution/epochs.ts';
import { presentation } from '../contribution/statement.ts';
import type { SignKeypair } from '../crypto/sign.ts';
import type { Consensus } from '../directory/consensus.ts';
import { byteOfCode, RemoteError } from '../errors.ts';
import { inboxTag, signInboxOpen } from '../rendezvous/inbox.ts';
import { encodeTicket, MOST_TICKET_BITS, ticketChallenge, type Ticket } from '../rendezvous/ticket.ts';
import type { Millis, NodeId, StreamId } from '../units.ts';
import type { Context } from './context.ts';
import { HANDSHAKE_MS, LINE_MS } from './limits.ts';
import type { Origin } from './origins.ts';

/** A proof has so long to be made; after that work has to do. */
const TICKET_MS: Millis = 60_000;

/** How often one opening may be answered by a wish for work. */
const MOST_ASKS = 4;

const CIRCUIT = 0 as StreamId;

export type LeaseParts = {
  context: Context;
  consensus(): Consensus | undefined;
  exit: NodeId;
  /** Of the inbox's tag. */
  keys: SignKeypair;
};

/**
 * The owner's side of an inbox's place at an exit, over one circuit at a time. Where tickets are asked for it shows a proof
 * if there is one, else work, for the first lease and each further one; what was lost with a circuit it resumes by
 * signature alone. Whatever goes wrong ends the circuit: by `timeout` when the exit says nothing, else for good.
 */
export class Lease {
  readonly #parts: LeaseParts;
  readonly #tag: Uint8Array;
  readonly #timer: string;
  #origin: Origin | undefined;
  /** By what was shown last. */
  #endsAt: Millis = 0;
  /** What waits for the exit's answer. */
  #sent: { type: Ticket['type']; at: Millis } | undefined;
  #asks = 0;
  /** What was last shown: no search goes over the same numbers again. */
  #work = 0;
  /** Ends what is under way outside: a proof or a search. */
  #cancel: () => void = () => undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
    this.#tag = inboxTag(parts.keys.public);
    this.#timer = `lease:${String(parts.context.handle())}`;
  }

  /** A circuit to the exit stands. */
  start(origin: Origin): void {
    this.#origin = origin;
    this.#asks = 0;
    if (this.#asksTickets && this.#parts.context.now >= this.#endsAt) this.#fetchTicket();
    else this.#send({ type: 'none' });
  }

  /** INBOX_OPENED came. */
  opened(): void {
    const sent = this.#sent;
    if (!sent) return;
    this.#sent = undefined;
    const { consensus, context } = this.#parts;
    const leaseMs = consensus()?.params.epochMs ?? DEFAULT_EPOCH_MS;
    if (sent.type !== 'none' || !this.#asksTickets) this.#endsAt = sent.at + leaseMs;
    context.after(this.#timer, Math.max(0, this.#endsAt - leaseMs / 2 - context.now), () => this.#renew());
  }

  /** INBOX_WORK came: bits (1). Throws `unexpected` or `malformed`. */
  asked(data: Uint8Array): void {
    const sent = this.#sent;
    const [bits = Infinity] = data;
    if (!sent) throw new RemoteError('unexpected', 'work for nothing');
    if (data.length !== 1) throw new RemoteError('malformed', 'not a number of bits');
    this.#sent = undefined;
    this.#asks += 1;
    if (bits > MOST_TICKET_BITS || this.#asks > MOST_ASKS) return this.#origin?.end('refused');
    if (sent.type === 'none') this.#fetchTicket();
    else this.#search(bits);
  }

  /** The circuit is gone. */
  lost(): void {
    this.#parts.context.timers.clear(this.#timer);
    this.#cancel();
    this.#sent = undefined;
    this.#origin = undefined;
  }

  /** The inbox is not wanted any more: its place is free for others, and the circuit ends. */
  giveUp(): void {
    const { context } = this.#parts;
    const origin = this.#origin;
    this.#cancel();
    if (!origin) return;
    const data = Uint8Array.of(byteOfCode('finished'));
    origin.send(EXIT_HOP, { stream: CIRCUIT, command: relayCommand.END, data });
    // A DESTROY would overtake the END; the exit destroys the circuit itself.
    context.after(this.#timer, HANDSHAKE_MS, () => origin.end('finished'));
  }

  get #asksTickets(): boolean {
    return this.#parts.consensus()?.params.policy === 'enforce';
  }

  #renew(): void {
    this.#asks = 0;
    if (this.#asksTickets) this.#fetchTicket();
    else this.#send({ type: 'none' });
  }

  #fetchTicket(): void {
    const { context, exit } = this.#parts;
    const done = (given: Uint8Array | undefined): void => {
      this.#cancel();
      // Without a proof this asks how much work is due.
      let ticket: Ticket = { type: 'work', work: 0, epoch: this.#epoch };
      const read = (bytes: Uint8Array): Ticket => ({ type: 'proof', ...decode(presentation, bytes) });
      context.contain(() => void (ticket = given ? read(given) : ticket));
      this.#send(ticket);
    };
    const job = context.tickets.begin(done);
    this.#cancel = () => {
      context.tickets.drop(job);
      this.#cancel = () => undefined;
    };
    context.out({ type: 'ticket', job, exit, tag: this.#tag });
    context.after(this.#timer, TICKET_MS, () => done(undefined));
  }

  #search(bits: number): void {
    const { context, exit } = this.#parts;
    const epoch = this.#epoch;
    const job = context.works.begin((work) => {
      this.#cancel = () => undefined;
      this.#work = work;
      this.#send({ type: 'work', work, epoch });
    });
    this.#cancel = () => {
      context.works.drop(job);
      context.out({ type: 'end-work', job });
      this.#cancel = () => undefined;
    };
    const challenge = ticketChallenge(exit, this.#tag, epoch);
    context.out({ type: 'work', job, task: { challenge, bits, from: this.#work + 1 } });
    context.timers.clear(this.#timer);
  }

  get #epoch(): number {
    return this.#parts.consensus()?.epoch ?? 0;
  }

  #send(ticket: Ticket): void {
    const { context, keys } = this.#parts;
    const origin = this.#origin;
    if (!origin) return;
    const data = signInboxOpen(keys, origin.binding(EXIT_HOP), encodeTicket(ticket));
    this.#sent = { type: ticket.type, at: context.now };
    // The exit's answer is timed, and no cover has to hide that an inbox is held.
    origin.sendNow(EXIT_HOP, { stream: CIRCUIT, command: relayCommand.INBOX_OPEN, data });
    const waits = ticket.type === 'proof' || (ticket.type === 'work' && ticket.work > 0);
    if (waits) context.after(this.#timer, LINE_MS + HANDSHAKE_MS, () => origin.end('too-many'));
    else context.after(this.#timer, HANDSHAKE_MS, () => origin.end('timeout'));
  }
}

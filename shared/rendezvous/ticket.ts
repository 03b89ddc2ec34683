import { concat, text } from '../bytes/bytes.ts';
import { decode, encode, struct, u32, u64, union, type Value } from '../bytes/codec.ts';
import { presentation } from '../contribution/statement.ts';
import { scopeOf, signalHashOf } from '../contribution/tags.ts';
import { nodeIdBytes, type NodeId } from '../units.ts';

const WORK = text('hourglass inbox work 1');

const ticketCodec = union({
  proof: [1, presentation],
  work: [2, struct({ work: u64, epoch: u32 })],
});

/** What an inbox is opened with where the exit asks for it. */
export type Ticket = { type: 'none' } | Value<typeof ticketCodec>;

/**
 * Nothing at all, or kind (1) and:
 *
 *     1 proof: epoch (4) ‖ threshold (1) ‖ nullifier (32) ‖ proof (256)      294 bytes with its kind
 *     2 work: number (8) ‖ epoch (4)                                          13 bytes with its kind
 */
export const encodeTicket = (ticket: Ticket): Uint8Array =>
  ticket.type === 'none' ? new Uint8Array(0) : encode(ticketCodec, ticket);

/** Throws `malformed`. */
export const decodeTicket = (bytes: Uint8Array): Ticket =>
  bytes.length === 0 ? { type: 'none' } : decode(ticketCodec, bytes);

/** What the proof in a ticket is spent on: one exit, so that no two exits can tell whether it is the same prover. */
export const ticketScope = (exit: NodeId): bigint => scopeOf(nodeIdBytes(exit));

/** Binds the proof in a ticket to one inbox: of exit id (32) ‖ tag (16). */
export const ticketSignal = (exit: NodeId, tag: Uint8Array): bigint =>
  signalHashOf(concat(nodeIdBytes(exit), tag));

/** Of the work in a ticket: label ‖ exit id (32) ‖ tag (16) ‖ epoch (4). */
export const ticketChallenge = (exit: NodeId, tag: Uint8Array, epoch: number): Uint8Array =>
  concat(WORK, nodeIdBytes(exit), tag, encode(u32, epoch));

const LEAST_BITS = 10;
const FULL_BITS = 12;

/** The most work that an exit asks for an inbox. */
export const MOST_TICKET_BITS = LEAST_BITS + FULL_BITS;

/** Bits of work that an exit asks for; `occupancy`: the part of its places that is taken, 0 to 1. */
export const ticketBits = (occupancy: number): number => LEAST_BITS + Math.floor(FULL_BITS * occupancy);

import { decode, encode } from '../bytes/codec.ts';
import { REPLY_ADDRESS_LENGTH } from '../bytes/fields.ts';
import { Assembler, fragment } from '../bytes/fragments.ts';
import { dataRoom } from '../cell/geometry.ts';
import { relayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { creditCells, creditMessage } from '../circuit/credit-message.ts';
import { ReceiveCredit, SendCredit, WINDOW } from '../circuit/credits.ts';
import { SendQueue } from '../circuit/send-queue.ts';
import {
  MAX_PUSH_BYTES,
  MAX_RESPONSE_BYTES,
  readPush,
  requestCodec,
  responseCodec,
  type DirectoryPush,
  type DirectoryResponse,
} from '../directory/messages.ts';
import type { OwnRequest } from '../directory/purposes.ts';
import { RemoteError, type Code } from '../errors.ts';
import type { Millis, StreamId } from '../units.ts';
import type { Context } from './context.ts';
import type { Origin } from './origins.ts';

/** An answer that takes longer is given up; the circuit stays. */
const ANSWER_MS: Millis = 10_000;

const CIRCUIT = 0 as StreamId;

export type Answer = DirectoryResponse | { code: Code };
type Waiting = { assembler: Assembler; done: (answer: { body: Uint8Array } | { code: Code }) => void };

/** Requests and pushes on a circuit of ours whose last hop is the directory. */
export class DirectoryCircuit {
  readonly origin: Origin;
  /** Where answers to this side's signals go. Each circuit has its own, or the directory could tie two together. */
  readonly reply: Uint8Array;
  /** Number of the newest consensus that came over it. */
  given = 0;
  readonly #context: Context;
  readonly #onPush: (push: DirectoryPush) => void;
  readonly #waiting = new Map<StreamId, Waiting>();
  readonly #queue = new SendQueue<RelayMessage>();
  readonly #send = new SendCredit(WINDOW);
  readonly #receive = new ReceiveCredit(WINDOW);
  readonly #push = new Assembler(MAX_PUSH_BYTES);
  #stream = 0;

  constructor(context: Context, origin: Origin, onPush: (push: DirectoryPush) => void) {
    this.#context = context;
    this.origin = origin;
    this.reply = context.rng(REPLY_ADDRESS_LENGTH);
    this.#onPush = onPush;
  }

  get hop(): number {
    return this.origin.hops;
  }

  get binding(): Uint8Array {
    return this.origin.binding(this.hop);
  }

  request(request: OwnRequest, done: (answer: Answer) => void, limitMs = ANSWER_MS): void {
    const parse: Waiting['done'] = (answer) => {
      if ('code' in answer) return done(answer);
      let parsed: Answer = { code: 'malformed' };
      this.#context.guard(
        () => (parsed = decode(responseCodec, answer.body)),
        (code) => (parsed = { code }),
      );
      done(parsed);
    };
    this.requestRaw(encode(requestCodec, request), parse, limitMs);
  }

  requestRaw(body: Uint8Array, done: Waiting['done'], limitMs = ANSWER_MS): void {
    this.#stream = (this.#stream % 0xffff) + 1;
    const stream = this.#stream as StreamId;
    this.#waiting.set(stream, { assembler: new Assembler(MAX_RESPONSE_BYTES), done });
    this.#context.after(this.#timer(stream), limitMs, () => this.#finish(stream, { code: 'timeout' }));
    const parts = fragment(body, dataRoom(this.hop));
    this.#queue.push(parts.map((data) => ({ stream, command: relayCommand.REQUEST, data })));
    this.#pump();
  }

  receive(hop: number, message: RelayMessage): void {
    const { stream, command, data } = message;
    if (hop !== this.hop)
      throw new RemoteError('unexpected', 'a message from a hop that is not the directory');
    if (command === relayCommand.CREDIT) {
      this.#send.grant(creditCells(data));
      return this.#pump();
    }
    const grant = this.#receive.receive();
    if (grant > 0) this.origin.send(this.hop, creditMessage(CIRCUIT, grant));
    if (command === relayCommand.PUSH) {
      const body = this.#push.push(data);
      const push = body && readPush(body);
      // A kind that is newer than this client is passed over.
      if (push) this.#onPush(push);
    } else if (command === relayCommand.RESPONSE) {
      const body = this.#waiting.get(stream)?.assembler.push(data);
      if (body) this.#finish(stream, { body });
    } else throw new RemoteError('unexpected', 'not a message of the directory');
  }

  closed(code: Code): void {
    for (const stream of [...this.#waiting.keys()]) this.#finish(stream, unanswered(code));
  }

  #finish(stream: StreamId, answer: { body: Uint8Array } | { code: Code }): void {
    const waiting = this.#waiting.get(stream);
    this.#waiting.delete(stream);
    this.#context.timers.clear(this.#timer(stream));
    waiting?.done(answer);
  }

  #pump(): void {
    this.#queue.pump(this.#send, (message) => this.origin.send(this.hop, message));
  }

  #timer(stream: StreamId): string {
    return `request:${String(this.origin.handle)}:${String(stream)}`;
  }
}

/** Ends that say nothing but that the circuit ended. */
const ENDS: readonly Code[] = ['timeout', 'finished', 'destroyed', 'link-lost', 'queue-full'];

/**
 * What the end of a circuit says to who waits for an answer over it. Any hop may give it a code such as `not-found`, and that is for
 * the directory alone to say: it comes as `unreachable`.
 */
export const unanswered = (code: Code): { code: Code } => ({
  code: ENDS.includes(code) ? code : 'unreachable',
});

/** The code of an answer that is no success: an `error` of the directory's, or no answer at all. */
export const refusal = (answer: Answer): Code | undefined => ('code' in answer ? answer.code : undefined);

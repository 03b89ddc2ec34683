import { Assembler, fragment } from '../bytes/fragments.ts';
import { dataRoom } from '../cell/geometry.ts';
import { relayCommand, type RelayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { ReceiveCredit, SendCredit, WINDOW } from '../circuit/credits.ts';
import { SendQueue } from '../circuit/send-queue.ts';
import { creditCells, creditMessage } from '../circuit/credit-message.ts';
import { MAX_REQUEST_BYTES } from '../directory/messages.ts';
import { RemoteError } from '../errors.ts';
import type { StreamId } from '../units.ts';
import type { Context } from './context.ts';
import type { RelayEnd } from './relay-end.ts';

/** Requests of one circuit that may be half received at once. */
const MAX_STREAMS = 8;

/** Cells that may wait for credit when a further answer is queued; the first one may be of any size. */
const MAX_WAITING = 1024;

export type ServiceParts = { readonly context: Context; readonly directory: boolean };

/** The directory's end of a circuit: requests in, responses and pushes out, both within the circuit's credit. */
export class ServiceEnd {
  readonly #circuit: RelayEnd;
  readonly #parts: ServiceParts;
  readonly #requests = new Map<StreamId, Assembler>();
  readonly #waiting = new SendQueue<RelayMessage>();
  readonly #send = new SendCredit(WINDOW);
  readonly #receive = new ReceiveCredit(WINDOW);

  constructor(circuit: RelayEnd, parts: ServiceParts) {
    this.#circuit = circuit;
    this.#parts = parts;
  }

  request(stream: StreamId, part: Uint8Array): void {
    if (!this.#parts.directory) throw new RemoteError('refused', 'requests go to the directory');
    const grant = this.#receive.receive();
    if (grant > 0) this.#circuit.deliver(creditMessage(0 as StreamId, grant));
    const assembler = this.#requests.get(stream) ?? new Assembler(MAX_REQUEST_BYTES);
    this.#requests.set(stream, assembler);
    if (this.#requests.size > MAX_STREAMS) throw new RemoteError('too-many', 'requests under way');
    const body = assembler.push(part);
    if (!body) return;
    this.#requests.delete(stream);
    const { handle: circuit, hop } = this.#circuit;
    this.#parts.context.event({ type: 'request', circuit, stream, binding: hop.binding, body });
  }

  credit(data: Uint8Array): void {
    this.#send.grant(creditCells(data));
    this.#pump();
  }

  /** Queues an answer (RESPONSE) or a message that nobody asked for (PUSH, stream 0). */
  answer(stream: StreamId, command: RelayCommand, body: Uint8Array): void {
    if (!this.#circuit.isOpen) return;
    if (this.#waiting.length > MAX_WAITING) return this.#circuit.destroy('queue-full');
    const room = dataRoom(this.#circuit.hop.position);
    this.#waiting.push(fragment(body, room).map((data) => ({ stream, command, data })));
    this.#pump();
  }

  push(body: Uint8Array): void {
    this.answer(0 as StreamId, relayCommand.PUSH, body);
  }

  #pump(): void {
    this.#waiting.pump(this.#send, (message) => this.#circuit.deliver(message));
  }
}

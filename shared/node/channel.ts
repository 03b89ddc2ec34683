import { decode, encode, u16 } from '../bytes/codec.ts';
import { Assembler, fragment } from '../bytes/fragments.ts';
import { CONTACT_HOP, dataRoom } from '../cell/geometry.ts';
import { relayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { FIRST_WINDOW, ReceiveCredit, SendCredit } from '../circuit/credits.ts';
import { SendQueue } from '../circuit/send-queue.ts';
import { LocalError, RemoteError, byteOfCode, codeOfByte, type Code } from '../errors.ts';
import type { StreamId } from '../units.ts';
import type { Context } from './context.ts';
import type { Handle } from './input.ts';
import type { NodeEvent } from './output.ts';

/** Longest message on a channel. */
export const MAX_CHANNEL_MESSAGE = 256 * 1024;

/** PONGs that may wait for credit: a contact that grants none gets no more answers. */
const MAX_PONGS = 8;

/** Cells that may wait for credit; more is the sender's to hold back, until `channel-drained`. */
const MAX_WAITING = 4096;

const STREAM = 0 as StreamId;

/** COVER counts cells over so many seconds. */
const COVER_SPAN_S = 1000;

const NOTHING = new Uint8Array(0);

type Lower = {
  /** Hands a message to the layer of the contact hop. */
  send(message: RelayMessage): void;
  /** Lets the other side send more cells. */
  grant(cells: number): void;
  /** `said`: an END was sent, and has to get through before what carries it goes. */
  close(code: Code, said: boolean): void;
};

/**
 * Messages between two contacts, once one is the other's fifth hop. Both sides are alike; what differs is the way
 * below. A message is DATA cells, each a fragment; END (code, 1 byte) closes.
 */
export class Channel {
  readonly handle: Handle;
  /** The circuit of this side's own that carries it. */
  readonly circuit: Handle;
  readonly #context: Context;
  readonly #tell: (event: NodeEvent) => void;
  readonly #lower: Lower;
  readonly #assembler = new Assembler(MAX_CHANNEL_MESSAGE);
  readonly #queue = new SendQueue<RelayMessage>();
  readonly #send = new SendCredit(FIRST_WINDOW);
  readonly #receive = new ReceiveCredit(FIRST_WINDOW);
  #trusted = false;
  #closed = false;
  /** DROPs a 1,000 s that the peer takes, and that it was told to send at the most. */
  #takes = 0;
  #offered = 0;
  /** A COVER waits for credit; it says what is true when it leaves. */
  #offering = false;

  constructor(context: Context, tell: (event: NodeEvent) => void, circuit: Handle, lower: Lower) {
    this.#context = context;
    this.#tell = tell;
    this.handle = context.handle();
    this.circuit = circuit;
    this.#lower = lower;
  }

  /** Whether it is open, to someone who is known. */
  get isTalking(): boolean {
    return this.#trusted && !this.#closed;
  }

  /** DROPs a second that the peer is willing to take. */
  get takes(): number {
    return this.#takes / COVER_SPAN_S;
  }

  /** Throws `oversized` or `queue-full`, both for the caller to avoid. */
  send(data: Uint8Array): void {
    if (data.length > MAX_CHANNEL_MESSAGE) throw new LocalError('oversized', 'send it in parts');
    if (this.#queue.length > MAX_WAITING)
      throw new LocalError('queue-full', 'wait until the channel is drained');
    const parts = fragment(data, dataRoom(CONTACT_HOP));
    this.#queue.push(parts.map((part) => ({ stream: STREAM, command: relayCommand.DATA, data: part })));
    this.#pump();
  }

  /** The peer is known: the window opens wide. */
  trust(): void {
    if (this.#trusted || this.#closed) return;
    this.#trusted = true;
    this.#lower.grant(this.#receive.widen());
  }

  /** Takes the credit for one cell that goes to the peer beside this channel's own. */
  spend(): boolean {
    return !this.#closed && this.#send.take();
  }

  /** Says how many DROPs a second the peer may send, if it was told otherwise. */
  offer(perSecond: number): void {
    const cells = Math.floor(perSecond * COVER_SPAN_S);
    if (this.#closed || cells === this.#offered) return;
    this.#offered = cells;
    if (this.#offering) return;
    this.#offering = true;
    this.#queue.push([{ stream: STREAM, command: relayCommand.COVER, data: NOTHING }]);
    this.#pump();
  }

  /** Sends a cell that says nothing. False when there is no credit for one. */
  drop(): boolean {
    if (!this.spend()) return false;
    this.#lower.send({ stream: STREAM, command: relayCommand.DROP, data: NOTHING });
    return true;
  }

  granted(cells: number): void {
    this.#send.grant(cells);
    this.#pump();
  }

  /** Throws when the channel is to be closed. */
  receive(message: RelayMessage): void {
    if (this.#closed) return;
    const grant = this.#receive.receive();
    if (grant > 0) this.#lower.grant(grant);
    if (message.command === relayCommand.DATA) {
      const data = this.#assembler.push(message.data);
      if (data) this.#tell({ type: 'channel-message', channel: this.handle, data });
    } else if (message.command === relayCommand.PING) {
      if (this.#queue.length < MAX_PONGS) this.#queue.push([{ ...message, command: relayCommand.PONG }]);
      this.#pump();
    } else if (message.command === relayCommand.END) {
      this.close(codeOfByte(message.data[0] ?? 0));
    } else if (message.command === relayCommand.COVER) {
      this.#takes = decode(u16, message.data);
    } else if (message.command === relayCommand.DROP) {
      this.#context.cover.received(this.#context.now);
    } else if (message.command !== relayCommand.PONG) {
      throw new RemoteError('unexpected');
    }
  }

  /** Says goodbye and closes. */
  end(code: Code): void {
    if (this.#closed) return;
    const said = this.#send.take();
    if (said) {
      const data = Uint8Array.of(byteOfCode(code));
      this.#lower.send({ stream: STREAM, command: relayCommand.END, data });
    }
    this.close(code, said);
  }

  close(code: Code, said = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lower.close(code, said);
    this.#tell({ type: 'channel-closed', channel: this.handle, code });
  }

  /** The way below is gone. */
  lost(code: Code): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tell({ type: 'channel-closed', channel: this.handle, code });
  }

  #offer(message: RelayMessage): RelayMessage {
    this.#offering = false;
    return { ...message, data: encode(u16, this.#offered) };
  }

  #pump(): void {
    if (this.#closed || this.#queue.length === 0) return;
    this.#queue.pump(this.#send, (message) => {
      if (message.command === relayCommand.COVER) this.#lower.send(this.#offer(message));
      else this.#lower.send(message);
    });
    if (this.#queue.length === 0) this.#tell({ type: 'channel-drained', channel: this.handle });
  }
}

import { Assembler, fragment } from '../bytes/fragments.ts';
import { CONTACT_HOP, EXIT_HOP, dataRoom } from '../cell/geometry.ts';
import { cellCommand, relayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { creditCells, creditMessage } from '../circuit/credit-message.ts';
import { Hop } from '../circuit/hop.ts';
import { dhKeypair } from '../crypto/dh.ts';
import { signKeypair } from '../crypto/sign.ts';
import type { Consensus } from '../directory/consensus.ts';
import { RemoteError, byteOfCode, codeOfByte, type Code } from '../errors.ts';
import { decodeExtensions } from '../handshake/extensions.ts';
import { inboxId, inboxTag } from '../rendezvous/inbox.ts';
import type { Millis, NodeId, StreamId } from '../units.ts';
import { Channel } from './channel.ts';
import type { Context } from './context.ts';
import type { Handle, InboxRef } from './input.ts';
import { Lease } from './lease.ts';
import { MAX_ONIONSKIN } from './limits.ts';
import type { Origin, OriginHandlers, Origins, Target } from './origins.ts';
import type { NodeEvent } from './output.ts';

const RETRY_MS: Millis = 500;
const RETRY_MOST_MS: Millis = 8000;

/** Tries to come back to the same exit before another is taken. */
const RESUMES = 3;

/** Ends of a circuit after which the exit may still hold the inbox; any other is the exit's answer. */
const LOSSES: readonly Code[] = ['destroyed', 'link-lost', 'timeout', 'unreachable', 'queue-full'];

/** Callers that one inbox serves at once. */
const MAX_STREAMS = 64;

type Keypair = { secret: Uint8Array; public: Uint8Array };
type Stream = { assembler: Assembler; channel: Channel | undefined; hop: Hop | undefined };

/** How an inbox finds its exit. */
type Ways = {
  /** To the exit of before, while it is listed. `none`: no path can be drawn now. */
  back(exit: NodeId): Target[] | 'none' | undefined;
  /** To another exit than the one of before. */
  fresh(before: NodeId | undefined): Target[] | undefined;
};

export type InboxParts = {
  context: Context;
  origins: Origins;
  channels: Map<Handle, Channel>;
  consensus(): Consensus | undefined;
  ways: Ways;
  /** Callers come in, and what they send. */
  tell(event: NodeEvent): void;
  /** It opened, closed or moved. */
  changed(): void;
  /** Its circuit ended. It is built anew unless this stops it. */
  closed: OriginHandlers['closed'];
  stepMs?: Millis;
  hurry(): void;
};

/** One inbox: a circuit to an exit that holds a tag for us, and the callers that come in over it. */
export class Inbox {
  readonly #parts: InboxParts;
  #tagKey: Keypair;
  #onion: Keypair;
  #exit: Target | undefined;
  /** Since an exit was told the tag. */
  #lease: Lease | undefined;
  #origin: Origin | undefined;
  #open = false;
  #failures = 0;
  #stopped = false;
  readonly #streams = new Map<StreamId, Stream>();
  readonly #name: string;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.#tagKey = signKeypair(parts.context.rng(32));
    this.#onion = dhKeypair(parts.context.rng(32));
    this.#name = `inbox:${String(parts.context.handle())}`;
  }

  get exit(): NodeId | undefined {
    return this.#exit?.node;
  }

  /** How contacts reach it; stays while it is being resumed at the same exit. */
  get ref(): InboxRef | undefined {
    if (!this.#open || !this.#exit) return undefined;
    const onionKey = this.#onion.public;
    return { exit: this.#exit.node, tag: inboxTag(this.#tagKey.public), onionKey, id: inboxId(onionKey) };
  }

  build(): void {
    if (this.#stopped || this.#origin) return;
    const path = this.#path();
    if (!path) {
      this.#parts.hurry();
      return this.#again();
    }
    const handlers: OriginHandlers = {
      open: (origin) => this.#register(origin),
      message: (origin, hop, message) => this.#onMessage(origin, hop, message),
      closed: (...how) => this.#onClosed(...how),
    };
    this.#exit = path.at(-1);
    const { origins, stepMs } = this.#parts;
    const origin = origins.build({
      purpose: 'inbox',
      path,
      handlers,
      ...(stepMs !== undefined && { stepMs }),
    });
    // One that failed at once was told to `closed` before.
    if (origin.state !== 'closed') this.#origin = origin;
  }

  stop(): void {
    this.#stopped = true;
    this.#parts.context.timers.clear(this.#name);
    if (this.#lease && this.#origin?.state === 'open') this.#lease.giveUp();
    else this.#origin?.end('finished');
  }

  /** To the exit of before, so that published descriptors stay true; after some failures to another. */
  #path(): Target[] | undefined {
    const exit = this.#exit?.node;
    if (this.#open && exit !== undefined && this.#failures < RESUMES) {
      const back = this.#parts.ways.back(exit);
      if (back) return back === 'none' ? undefined : back;
    }
    if (this.#lease) {
      // A tag that moves to another exit under the same keys would link the two.
      this.#lease = undefined;
      this.#tagKey = signKeypair(this.#parts.context.rng(32));
      this.#onion = dhKeypair(this.#parts.context.rng(32));
    }
    if (this.#open) {
      this.#open = false;
      this.#parts.changed();
    }
    return this.#parts.ways.fresh(exit);
  }

  #register(origin: Origin): void {
    const { context, consensus } = this.#parts;
    const exit = (origin.path[EXIT_HOP - 1] as Target).node;
    this.#lease ??= new Lease({ context, consensus, exit, keys: this.#tagKey });
    this.#lease.start(origin);
  }

  #onMessage(origin: Origin, hop: number, message: RelayMessage): void {
    if (hop !== EXIT_HOP) throw new RemoteError('unexpected', 'a message from a hop that has none to send');
    const { stream, command, data } = message;
    if (command === relayCommand.INBOX_OPENED) return this.#onOpened(origin);
    if (command === relayCommand.INBOX_WORK) return this.#lease?.asked(data);
    if (command === relayCommand.INCOMING) return this.#onIncoming(origin, stream, data);
    const known = this.#streams.get(stream);
    if (!known) return;
    if (command === relayCommand.END) this.#drop(stream, codeOfByte(data[0] ?? 0));
    else if (command === relayCommand.CREDIT) known.channel?.granted(creditCells(data));
    else if (command === relayCommand.BRIDGED) this.#onBridged(origin, stream, known, data);
    else throw new RemoteError('unexpected', 'not a message of an exit');
  }

  #onOpened(origin: Origin): void {
    const news = !this.#open;
    this.#open = true;
    this.#failures = 0;
    this.#lease?.opened();
    if (news) this.#parts.changed();
    origin.ping();
  }

  #onIncoming(origin: Origin, stream: StreamId, part: Uint8Array): void {
    const known = this.#streams.get(stream);
    if (!known && this.#streams.size >= MAX_STREAMS) return this.#end(origin, stream, 'too-many');
    const entry = known ?? { assembler: new Assembler(MAX_ONIONSKIN), channel: undefined, hop: undefined };
    this.#streams.set(stream, entry);
    const onionskin = entry.assembler.push(part);
    if (!onionskin) return;
    const onionKeys = [this.#onion];
    const accepted = this.#parts.context.respond(
      { id: inboxId(this.#onion.public), onionKeys, onionskin },
      (result) => {
        if (this.#streams.get(stream) !== entry || this.#origin !== origin) return;
        if ('code' in result) return this.#end(origin, stream, result.code);
        this.#parts.context.guard(
          () =>
            this.#accept(
              origin,
              stream,
              entry,
              new Hop(result.keys, decodeExtensions(result.extensions).hop),
              result.reply,
            ),
          (code) => this.#end(origin, stream, code),
        );
      },
    );
    if (!accepted) this.#end(origin, stream, 'too-many');
  }

  #accept(origin: Origin, stream: StreamId, entry: Stream, hop: Hop, reply: Uint8Array): void {
    if (hop.position !== CONTACT_HOP) throw new RemoteError('unexpected', 'a contact is the fifth hop');
    // The caller waits for it, and conversations on the same circuit may have long queues.
    for (const data of fragment(reply, dataRoom(EXIT_HOP))) {
      origin.sendNow(EXIT_HOP, { stream, command: relayCommand.ACCEPT, data });
    }
    const { context, channels, tell } = this.#parts;
    const channel = new Channel(context, tell, origin.handle, {
      send: (message) => {
        origin.send(EXIT_HOP, { stream, command: relayCommand.BRIDGED, data: hop.seal(message) });
      },
      grant: (cells) => origin.send(EXIT_HOP, creditMessage(stream, cells)),
      close: () => {
        channels.delete(channel.handle);
        this.#streams.delete(stream);
        this.#say(origin, stream, 'finished');
      },
    });
    entry.channel = channel;
    entry.hop = hop;
    channels.set(channel.handle, channel);
    tell({ type: 'channel-incoming', channel: channel.handle, circuit: origin.handle });
  }

  #onBridged(origin: Origin, stream: StreamId, { channel, hop }: Stream, body: Uint8Array): void {
    if (!channel || !hop) return;
    // A caller's fault ends its channel, not the inbox.
    this.#parts.context.guard(
      () => {
        const opened = hop.open(cellCommand.RELAY, body);
        if (opened.kind !== 'deliver') throw new RemoteError('unexpected', 'a contact passes nothing on');
        channel.receive(opened.message);
      },
      (code) => {
        this.#parts.context.event({ type: 'refused', where: 'stream', code });
        this.#drop(stream, code);
        this.#say(origin, stream, code);
      },
    );
  }

  #end(origin: Origin, stream: StreamId, code: Code): void {
    this.#streams.delete(stream);
    this.#say(origin, stream, code);
  }

  #say(origin: Origin, stream: StreamId, code: Code): void {
    origin.send(EXIT_HOP, { stream, command: relayCommand.END, data: Uint8Array.of(byteOfCode(code)) });
  }

  #drop(stream: StreamId, code: Code): void {
    const { channel } = this.#streams.get(stream) ?? {};
    this.#streams.delete(stream);
    if (!channel) return;
    this.#parts.channels.delete(channel.handle);
    channel.lost(code);
  }

  #onClosed(...how: Parameters<OriginHandlers['closed']>): void {
    const [, code, hop] = how;
    this.#origin = undefined;
    this.#lease?.lost();
    const isRefused = hop === EXIT_HOP && !LOSSES.includes(code);
    this.#failures = Math.max(this.#failures + 1, isRefused ? RESUMES : 0);
    for (const stream of [...this.#streams.keys()]) this.#drop(stream, code);
    this.#parts.closed(...how);
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    const delay = Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** Math.max(0, this.#failures - 1));
    this.#parts.context.after(this.#name, delay, () => this.build());
  }
}

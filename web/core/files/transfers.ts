import { LocalError, RemoteError, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import { encodeFrame, type FileFrame, type FrameOf } from '#web/core/conversation/frames.ts';
import type { Held } from '#web/core/files/held.ts';
import { Receiving } from '#web/core/files/receiving.ts';
import { idOf, MOST_MOVING, pieceKey, storedFile } from '#web/core/files/records.ts';
import { checkGot, openChunk, sealChunk, sealGot } from '#web/core/files/sealing.ts';
import { Sending } from '#web/core/files/sending.ts';
import type { Store } from '#web/core/store/ports.ts';

type Env = {
  store: Store;
  groupId(conversation: string): Uint8Array | undefined;
  /** Whether files may leave toward a contact now. */
  may(conversation: string): boolean;
  /** Hands a frame to a channel; one that is closed drops it. */
  send(channel: Handle, frame: Uint8Array): void;
  /** Its record is another. */
  changed(held: Held): void;
  /** All of it is kept. */
  arrived(held: Held): void;
  failed(held: Held, code: Code): void;
};

/** Larger files on their way over channels, both ways. */
export class Transfers {
  readonly #env: Env;
  /** Open channels by conversation, the newest last. */
  readonly #channels = new Map<string, Handle[]>();
  readonly #sending = new Map<Held, Sending>();
  readonly #receiving = new Map<Held, Receiving>();

  constructor(env: Env) {
    this.#env = env;
  }

  isLive(conversation: string): boolean {
    return (this.#channels.get(conversation)?.length ?? 0) > 0 && this.#env.may(conversation);
  }

  opened(conversation: string, channel: Handle): void {
    this.#channels.set(conversation, [...(this.#channels.get(conversation) ?? []), channel]);
    this.#askAll(conversation);
  }

  closed(conversation: string, channel: Handle): void {
    const before = this.#channels.get(conversation) ?? [];
    this.#channels.set(
      conversation,
      before.filter((each) => each !== channel),
    );
    for (const sending of this.#sending.values()) sending.closed(channel);
    if (before.at(-1) === channel) this.#askAll(conversation);
  }

  /** True when something that was held back goes on. */
  released(conversation: string): boolean {
    const own = [...this.#sending].filter(([{ record }]) => record.conversation === conversation);
    return own.filter(([, sending]) => sending.released()).length > 0;
  }

  /** A contact's file is wanted from here on. */
  receive(held: Held): void {
    if (!this.#receiving.has(held)) {
      const { size } = held.record.offer;
      const keep = (offset: number, piece: Uint8Array): void => this.#keep(held, offset, piece);
      this.#receiving.set(held, new Receiving({ size, keep }, held.record.done));
    }
    this.#say(held, true);
  }

  stop(held: Held): void {
    this.#sending.get(held)?.stop();
    this.#sending.delete(held);
    this.#receiving.delete(held);
  }

  stopAll(): void {
    for (const held of this.#sending.keys()) this.stop(held);
    this.#receiving.clear();
  }

  /** Part of a file that is on its way. Throws RemoteError. */
  take(held: Held, channel: Handle, frame: FileFrame): void {
    if (frame.type === 'got') return this.#got(held, channel, frame);
    const receiving = this.#receiving.get(held);
    if (!receiving) return;
    const data = openChunk(held.keys, frame);
    if (receiving.wants(frame.offset)) receiving.take(data);
  }

  #got(held: Held, channel: Handle, frame: FrameOf<'got'>): void {
    checkGot(held.keys, frame);
    const known = this.#sending.get(held);
    if (!known && !frame.again) return;
    const sending = known ?? this.#begin(held);
    if (frame.again) sending.again(channel, frame.bytes);
    else sending.got(frame.bytes);
    if (held.record.state === 'moving' && held.record.done === sending.acked) return;
    held.record = { ...held.record, state: 'moving', done: sending.acked };
    held.saveSoon();
    this.#env.changed(held);
  }

  #begin(held: Held): Sending {
    const { conversation, offer } = held.record;
    const active = [...this.#sending].filter(
      ([other, sending]) => other.record.conversation === conversation && sending.active,
    );
    if (active.length >= MOST_MOVING) throw new RemoteError('too-many', 'more files at once than are sent');
    const sending = new Sending({
      size: offer.size,
      read: (offset) => this.#read(held, offset),
      send: (channel, offset, data) => {
        const groupId = this.#env.groupId(conversation);
        if (groupId) this.#env.send(channel, encodeFrame(sealChunk(held.keys, groupId, offset, data)));
      },
      may: () => this.#env.may(conversation),
      failed: (code) => this.#env.failed(held, code),
    });
    this.#sending.set(held, sending);
    return sending;
  }

  async #read(held: Held, offset: number): Promise<Uint8Array> {
    const piece = await this.#env.store.get('chunks', pieceKey(idOf(held.record), offset));
    if (!piece) throw new LocalError('not-found', 'a part of this file is not here');
    return piece;
  }

  #keep(held: Held, offset: number, piece: Uint8Array): void {
    const done = offset + piece.length;
    const store = async (): Promise<void> => {
      if (!this.#receiving.has(held)) return;
      const key = pieceKey(idOf(held.record), offset);
      const next = { ...held.record, done };
      await this.#env.store.write([{ table: 'chunks', key, value: piece }, storedFile(next)]);
      const receiving = this.#receiving.get(held);
      if (!receiving) return;
      receiving.wasKept(done);
      held.record = next;
      this.#say(held, false);
      this.#env.changed(held);
      if (done === held.record.offer.size) this.#env.arrived(held);
    };
    held.inTurn(store).catch(() => this.#env.failed(held, 'storage'));
  }

  /** Each file that is received goes on where it stands. */
  #askAll(conversation: string): void {
    for (const held of this.#receiving.keys())
      if (held.record.conversation === conversation) this.#say(held, true);
  }

  /** What is kept; `again`: the rest is to come, on this channel. */
  #say(held: Held, again: boolean): void {
    const { conversation, done } = held.record;
    const channel = this.#channels.get(conversation)?.at(-1);
    const groupId = this.#env.groupId(conversation);
    if (channel === undefined || !groupId) return;
    this.#env.send(channel, encodeFrame(sealGot(held.keys, groupId, done, again)));
  }
}

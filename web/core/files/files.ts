import { hex } from '#shared/bytes/bytes.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { ClientEvent, FileAbout, FileView, MessageView } from '#web/api.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { FileFrame } from '#web/core/conversation/frames.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import { Book } from '#web/core/files/book.ts';
import { endedBy, offered, storedChunk, wanted } from '#web/core/files/effects.ts';
import { Endings } from '#web/core/files/endings.ts';
import type { Held } from '#web/core/files/held.ts';
import { chunksOf, prepare } from '#web/core/files/offering.ts';
import { contentOf } from '#web/core/files/pieces.ts';
import {
  erasedFile,
  erasedPieces,
  fileView,
  idOf,
  isOpen,
  isSmall,
  MOST_MOVING,
  MOST_PARTIAL,
  pieceKey,
  SMALL,
  stepOf,
  storedFile,
  type FileRecord,
} from '#web/core/files/records.ts';
import { Transfers } from '#web/core/files/transfers.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

type Talk = Pick<Session, 'id' | 'say' | 'tell' | 'messages'> & { readonly groupId?: Uint8Array };
/** A group, in which small files are sent, and nobody answers them. */
type Circle = Pick<Session, 'id' | 'say' | 'messages'>;

export type FilesEnv = {
  store: Store;
  rng: Rng;
  /** Every conversation with a contact. */
  sessions(): Talk[];
  group(id: string): Circle | undefined;
  /** What may not leave toward a contact now. */
  holds(conversation: string): Hold | undefined;
  send(channel: Handle, frame: Uint8Array): void;
  poke(conversation: string): void;
  tell(event: ClientEvent): void;
};

/** The files of all conversations: small ones go as messages do, larger ones over channels once they are wanted. */
export class Files implements Feature {
  readonly #env: FilesEnv;
  readonly #book: Book;
  readonly #transfers: Transfers;
  readonly #endings: Endings;

  constructor(env: FilesEnv) {
    this.#env = env;
    this.#book = new Book(env);
    this.#endings = new Endings({
      store: env.store,
      say: (conversation, content, changes) =>
        this.#session(conversation)?.tell(content, changes) ?? env.store.write(changes),
      stop: (held) => this.#transfers.stop(held),
      changed: (held) => this.#tell(held),
    });
    this.#transfers = new Transfers({
      store: env.store,
      groupId: (conversation) => this.#session(conversation)?.groupId,
      may: (conversation) => env.holds(conversation) === undefined,
      send: (channel, frame) => env.send(channel, frame),
      changed: (held) => this.#tell(held),
      arrived: (held) => this.#endings.finish(held),
      failed: (held, code) => this.#endings.fail(held, code),
    });
  }

  static over(
    { store, ports, network, sessions, holds, poke, tell }: FeatureEnv,
    group: FilesEnv['group'] = () => undefined,
  ): Files {
    return new Files({
      ...{ store, rng: ports.rng, sessions, group, holds, poke, tell },
      send: (channel, data) => network.command({ type: 'channel-send', channel, data }),
    });
  }

  load(): Promise<void> {
    return this.#book.load();
  }

  /** A conversation goes on: files without a message are erased, and what was being received is received. */
  begun(talk: Circle): void {
    this.#book.adopt(talk);
    const shown = new Set(talk.messages().flatMap(({ file }) => file ?? []));
    for (const held of this.#book.of(talk.id)) {
      if (!shown.has(idOf(held.record))) this.#drop(held);
      else if (!held.record.mine && held.record.state === 'moving') this.#resume(held);
    }
  }

  views(conversation: string): FileView[] {
    return this.#book.of(conversation).map((held) => this.#view(held));
  }

  /** Rejects with LocalError `unknown-conversation`, `too-long` or `storage`. */
  async offer(conversation: string, content: Blob, about: FileAbout): Promise<MessageView> {
    const session = this.#session(conversation);
    const talk = session ?? this.#env.group(conversation);
    if (!talk) throw new LocalError('unknown-conversation');
    if (!session && content.size > SMALL)
      throw new LocalError('too-long', 'a file for a group may have 64 KiB at the most');
    const { store, rng } = this.#env;
    const made = await prepare({ store, rng, conversation }, content, about);
    // Of a group's members it is the message that tells who has it.
    const record = session ? made : { ...made, state: 'done' as const, done: content.size };
    const parts = isSmall(record) ? await chunksOf(record, content) : [];
    const held = this.#book.add(record);
    try {
      const said = { type: 'file', offer: record.offer, replyTo: undefined, expires: undefined } as const;
      const message = await talk.say(said, { id: record.message, parts, extra: [storedFile(record)] });
      this.#tell(held);
      this.#env.poke(conversation);
      return message;
    } catch (error) {
      this.#book.remove(held);
      await store.write(erasedFile(record)).catch(() => undefined);
      throw error;
    }
  }

  /** Rejects with LocalError `not-found`, `refused`, `finished` or `too-many`. */
  async take(id: string): Promise<void> {
    const held = this.#find(id);
    const { conversation, mine } = held.record;
    if (mine) throw new LocalError('refused', 'this file is your own');
    if (held.record.state === 'done' || isSmall(held.record)) return;
    if (held.record.state !== 'moving') await this.#want(held);
    this.#env.poke(conversation);
    this.#transfers.receive(held);
  }

  /** Rejects with LocalError `not-found`. */
  async cancel(id: string): Promise<void> {
    const held = this.#find(id);
    if (isOpen(held.record)) await this.#endings.end(held, { state: 'cancelled', done: 0 });
  }

  /** Rejects with LocalError `not-found` while not all of it is here. */
  async content(id: string): Promise<Blob> {
    const { record } = this.#find(id);
    if (!record.mine && record.state !== 'done')
      throw new LocalError('not-found', 'this file is not here yet');
    return contentOf(this.#env.store, record);
  }

  keep(contact: Uint8Array, envelope: Envelope): readonly Change[] {
    const { content } = envelope;
    if (content.type === 'file') return this.#offered(hex(contact), envelope);
    if (content.type === 'file-chunk')
      return storedChunk(this.#book.named(hex(contact), content.file), content);
    const next = this.#next(hex(contact), envelope);
    if (!next) return [];
    return [storedFile(next), ...(next.state === 'cancelled' ? erasedPieces(next) : [])];
  }

  taken(conversation: string, envelope: Envelope): void {
    const { content } = envelope;
    if (!('file' in content) && content.type !== 'file') return;
    const held = this.#book.named(conversation, content.type === 'file' ? content.offer.file : content.file);
    if (!held) return;
    if (content.type === 'file') return this.#arrived(held, 0);
    if (content.type === 'file-chunk') return this.#arrived(held, content.offset + content.data.length);
    const next = this.#next(conversation, envelope);
    if (!next) return;
    held.record = next;
    if (!isOpen(next)) this.#transfers.stop(held);
    // What was written meanwhile may have been of the time before.
    held.save(next.state === 'cancelled' ? erasedPieces(next) : []).catch(() => undefined);
    this.#tell(held);
  }

  drop({ conversation, id }: Pick<Message, 'conversation' | 'id'>): readonly Change[] {
    return this.#book.with(conversation, [hex(id)]).flatMap(({ record }) => erasedFile(record));
  }

  told(event: SessionEvent): void {
    if (event.type === 'gone') {
      for (const held of this.#book.with(event.conversation, event.messages)) this.#drop(held);
    } else if (event.type === 'conversation') {
      if (this.#transfers.released(event.conversation)) this.#tellMoving(event.conversation);
      if (!this.#talk(event.conversation))
        for (const held of this.#book.of(event.conversation)) this.#drop(held);
    } else if (event.type === 'message' && event.message.deleted) {
      for (const held of this.#book.with(event.message.conversation, [event.message.id])) this.#drop(held);
    }
  }

  frame(conversation: string, channel: Handle, frame: FileFrame): void {
    const held = this.#book.named(conversation, frame.file);
    const mine = held?.record.mine ?? true;
    const live = held !== undefined && isOpen(held.record) && !isSmall(held.record);
    if (live && mine === (frame.type === 'got')) this.#transfers.take(held, channel, frame);
    else if (mine && frame.type === 'got' && frame.again) this.#endings.refuse(conversation, frame.file);
  }

  opened(conversation: string, channel: Handle): void {
    this.#transfers.opened(conversation, channel);
    this.#tellMoving(conversation);
  }

  closed(conversation: string, channel: Handle): void {
    this.#transfers.closed(conversation, channel);
    this.#tellMoving(conversation);
  }

  stop(): void {
    this.#transfers.stopAll();
  }

  #session(id: string): Talk | undefined {
    return this.#env.sessions().find((each) => each.id === id);
  }

  #talk(id: string): Circle | undefined {
    return this.#session(id) ?? this.#env.group(id);
  }

  #find(id: string): Held {
    const held = this.#book.get(id);
    if (!held) throw new LocalError('not-found', 'no such file');
    return held;
  }

  #view({ record }: Held): FileView {
    return fileView(record, this.#transfers.isLive(record.conversation));
  }

  #tell(held: Held): void {
    this.#env.tell({ type: 'file', file: this.#view(held) });
  }

  #tellMoving(conversation: string): void {
    for (const held of this.#book.of(conversation)) if (held.record.state === 'moving') this.#tell(held);
  }

  /** A file that a contact offers, if its id is free. */
  #offered(conversation: string, envelope: Envelope): Change[] {
    const fresh = offered(conversation, envelope, this.#tooMany(conversation));
    if (!fresh) return [];
    const known = this.#book.get(idOf(fresh))?.record;
    // The same once more: what was to be written with it was not.
    if (known && (known.conversation !== conversation || hex(known.message) !== hex(fresh.message)))
      return [];
    if (!known) this.#book.add(fresh);
    return [storedFile(known ?? fresh)];
  }

  #tooMany(conversation: string): boolean {
    const partial = this.#book
      .of(conversation)
      .filter(({ record }) => !record.mine && isSmall(record) && record.state === 'moving');
    return partial.length >= MOST_PARTIAL;
  }

  /** What a contact's word makes of a file, or undefined: nothing. */
  #next(conversation: string, { content }: Envelope): FileRecord | undefined {
    if (content.type !== 'file-want' && content.type !== 'file-end') return undefined;
    const record = this.#book.named(conversation, content.file)?.record;
    if (!record) return undefined;
    return content.type === 'file-want' ? wanted(record) : endedBy(record, content.done);
  }

  /** So much of a small file, or its offer alone, is in the store. */
  #arrived(held: Held, done: number): void {
    const { mine, offer, state } = held.record;
    if (!mine && state === 'moving' && isSmall(held.record)) {
      held.record = { ...held.record, done };
      if (done === offer.size) this.#endings.finish(held);
    }
    this.#tell(held);
  }

  #resume(held: Held): void {
    const { offer, done } = held.record;
    if (!isSmall(held.record)) {
      if (done === offer.size) this.#endings.finish(held);
      else this.#transfers.receive(held);
      return;
    }
    const last = Math.max(0, Math.ceil(offer.size / stepOf(offer.size)) - 1) * stepOf(offer.size);
    const look = async (): Promise<void> => {
      if (await this.#env.store.get('chunks', pieceKey(idOf(held.record), last)))
        this.#arrived(held, offer.size);
    };
    look().catch(() => undefined);
  }

  async #want(held: Held): Promise<void> {
    const { conversation, state, reason, done: offset, offer } = held.record;
    if (state !== 'offered' && reason !== 'storage') throw new LocalError('finished', 'this file was ended');
    const moving = this.#book
      .of(conversation)
      .filter(({ record }) => !record.mine && !isSmall(record) && record.state === 'moving');
    if (moving.length >= MOST_MOVING)
      throw new LocalError('too-many', `${String(MOST_MOVING)} files come at once: wait until one is here`);
    const next = { ...held.record, state: 'moving', reason: undefined } as const;
    await held.inTurn(async () => {
      const content = { type: 'file-want', file: offer.file, offset } as const;
      await this.#session(conversation)?.tell(content, [storedFile(next)]);
      held.record = next;
    });
    this.#tell(held);
  }

  #drop(held: Held): void {
    this.#book.remove(held);
    this.#endings.drop(held);
  }
}

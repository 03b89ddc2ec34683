import { hex } from '#shared/bytes/bytes.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import type { FileAbout, FileView, MessageView } from '#web/api.ts';
import type { Content, Envelope, FileOffer } from '#web/core/conversation/content.ts';
import { decodeFrame, type FileFrame } from '#web/core/conversation/frames.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import { Files, type FilesEnv } from '#web/core/files/files.ts';
import { FILE_WINDOW, readRecord } from '#web/core/files/records.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

export const GROUP = new Uint8Array(16).fill(9);

export const about = (over: Partial<FileAbout> = {}): FileAbout => ({
  ...{ name: 'a.bin', type: 'application/octet-stream', preview: null, voice: null },
  ...over,
});

/** Bytes that are nowhere the same. */
export const content = (length: number, seed = 1): Uint8Array<ArrayBuffer> =>
  seededRng(new Uint8Array(32).fill(seed))(length).slice() as Uint8Array<ArrayBuffer>;

/** A write that ends its user's life: `after` so many others, and whether the store kept it. */
export type Fault = { after: number; kept: boolean };

/** One user's files and a store that survives crashes. What was said to them waits in `mail`, as the stream has it. */
export class FileUser {
  readonly contact: Uint8Array;
  readonly stored = memoryStore();
  readonly mail: Envelope[] = [];
  readonly events: FileView[] = [];
  /** Messages with a file that are shown here. */
  shown: Pick<MessageView, 'id' | 'file'>[] = [];
  /** What this user said to a group. */
  readonly toGroup: Envelope[] = [];
  hold: Hold | undefined;
  fault: Fault | undefined;
  crashed = false;
  outgoing: (channel: number, frame: Uint8Array) => void = () => undefined;
  watch: (file: FileView) => void = () => undefined;
  /** Bytes of each record of pieces in the store. */
  readonly #pieces = new Map<string, number>();
  readonly #rng: Rng;
  #other: FileUser | undefined;
  #life = 0;
  #files: Files | undefined;

  constructor(seed: number) {
    this.#rng = seededRng(new Uint8Array(32).fill(seed));
    this.contact = new Uint8Array(32).fill(seed);
  }

  get files(): Files {
    if (!this.#files) throw new Error('not booted');
    return this.#files;
  }

  /** What the other is called here. */
  get conversation(): string {
    return hex(this.other.contact);
  }

  get other(): FileUser {
    if (!this.#other) throw new Error('alone');
    return this.#other;
  }

  set other(user: FileUser) {
    this.#other = user;
  }

  /** Bytes of files that would still be there after a crash now. */
  get durable(): number {
    return [...this.#pieces.values()].reduce((sum, length) => sum + length, 0);
  }

  view(): FileView | undefined {
    return this.files.views(this.conversation).at(-1);
  }

  get id(): string {
    return this.view()?.id ?? '';
  }

  async boot(): Promise<void> {
    this.#life += 1;
    this.fault = undefined;
    this.crashed = false;
    const life = this.#life;
    const alive = (): boolean => life === this.#life && !this.crashed;
    const store: Store = { ...this.stored, write: (changes) => this.#write(changes, alive) };
    const talk = this.#talk(store);
    this.#files = new Files({
      ...{
        store,
        rng: this.#rng,
        sessions: () => [talk],
        holds: () => this.hold,
        group: (id) => (id === hex(GROUP) ? this.#group(store) : undefined),
        poke: () => undefined,
      },
      send: (channel, frame) => {
        if (alive()) this.outgoing(channel, frame);
      },
      tell: (event) => {
        if (event.type !== 'file' || !alive()) return;
        this.events.push(event.file);
        this.watch(event.file);
      },
    });
    await this.#files.load();
    this.#files.begun(talk);
  }

  /** The oldest of what was said. */
  async read(): Promise<void> {
    const [envelope] = this.mail;
    if (!envelope) return;
    const { content: said } = envelope;
    const changes = this.files.keep(this.other.contact, envelope);
    if (changes.length > 0) await this.#write(changes, () => !this.crashed);
    this.mail.shift();
    if (said.type === 'file') this.shown.push({ id: hex(envelope.id), file: hex(said.offer.file) });
    this.files.taken(this.conversation, envelope);
  }

  #talk(store: Store): ReturnType<FilesEnv['sessions']>[number] {
    const send = (id: Uint8Array, said: Content): void =>
      void this.other.mail.push({ id, time: 1, content: said });
    return {
      id: this.conversation,
      groupId: GROUP,
      messages: () => this.shown as MessageView[],
      say: async (said, { id = this.#rng(16), parts = [], extra = [] } = {}) => {
        await store.write(extra);
        send(id, said);
        for (const part of parts) send(this.#rng(16), part);
        const file = said.type === 'file' ? hex(said.offer.file) : null;
        this.shown.push({ id: hex(id), file });
        return { id: hex(id), file } as MessageView;
      },
      // The one write and the word are one, so nothing may come between.
      tell: async (said, extra = []) => {
        const written = store.write(typeof extra === 'function' ? extra() : extra);
        if (!this.crashed || this.fault?.kept === true) send(this.#rng(16), said);
        await written;
      },
    };
  }

  #group(store: Store): NonNullable<ReturnType<FilesEnv['group']>> {
    return {
      id: hex(GROUP),
      messages: () => [],
      say: async (said, { id = this.#rng(16), parts = [], extra = [] } = {}) => {
        await store.write(extra);
        for (const content of [said, ...parts]) this.toGroup.push({ id, time: 1, content });
        return { id: hex(id) } as MessageView;
      },
    };
  }

  async #write(changes: readonly Change[], alive: () => boolean): Promise<void> {
    if (!alive()) throw new Error('a former life');
    const due = this.fault?.after === 0;
    if (this.fault) this.fault = { ...this.fault, after: this.fault.after - 1 };
    if (due) this.crashed = true;
    if (due && this.fault?.kept !== true) throw new Error('crashed');
    await this.stored.write(changes);
    for (const { table, key, value } of changes)
      if (table === 'chunks') this.#pieces.set(key, value?.length ?? 0);
    if (due) throw new Error('crashed');
  }
}

type Channel = { id: number; toward: Map<FileUser, Uint8Array[]> };

/** Channels between two users, each frame waiting until the test says what becomes of it. */
export class FileNet {
  readonly users: readonly [FileUser, FileUser];
  channels: Channel[] = [];
  readonly refusals: string[] = [];
  #next = 1;

  constructor() {
    const [a, b] = [new FileUser(1), new FileUser(2)];
    this.users = [a, b];
    a.other = b;
    b.other = a;
    for (const user of this.users)
      user.outgoing = (id, frame) => {
        this.channels
          .find((each) => each.id === id)
          ?.toward.get(user.other)
          ?.push(frame);
      };
  }

  static async start(): Promise<FileNet> {
    const net = new FileNet();
    for (const user of net.users) await user.boot();
    return net;
  }

  async open(): Promise<void> {
    const channel = { id: this.#next, toward: new Map(this.users.map((user) => [user, []])) };
    this.#next += 1;
    this.channels.push(channel);
    for (const user of this.users) user.files.opened(user.conversation, channel.id);
    await this.rest();
  }

  async cut(channel: Channel | undefined): Promise<void> {
    if (!channel) return;
    this.channels = this.channels.filter((each) => each !== channel);
    for (const user of this.users) user.files.closed(user.conversation, channel.id);
    await this.rest();
  }

  /** A life ends, and another one begins from the store. */
  async crash(user: FileUser): Promise<void> {
    user.crashed = true;
    for (const channel of this.channels.splice(0))
      user.other.files.closed(user.other.conversation, channel.id);
    await user.boot();
    await this.rest();
  }

  async deliver(channel: Channel, user: FileUser): Promise<void> {
    const bytes = channel.toward.get(user)?.shift();
    if (!bytes) return;
    try {
      user.files.frame(user.conversation, channel.id, decodeFrame(bytes) as FileFrame);
    } catch (error) {
      this.refusals.push((error as { code?: string }).code ?? String(error));
      await this.cut(channel);
    }
    await this.rest();
  }

  async read(user: FileUser): Promise<void> {
    await user.read().catch(() => undefined);
    await this.rest();
  }

  /** Whatever was begun comes to rest; who crashed thereby begins anew. */
  async rest(): Promise<void> {
    await new Promise((done) => setImmediate(done));
    for (const user of this.users) if (user.crashed) await this.crash(user);
  }

  /** Everything arrives. */
  async settle(): Promise<void> {
    for (;;) {
      const [user] = this.users.filter(({ mail }) => mail.length > 0);
      const [channel] = this.channels.filter(({ toward }) =>
        [...toward.values()].some(({ length }) => length > 0),
      );
      if (!user && !channel) return;
      if (user) await this.read(user);
      if (channel) for (const each of this.users) await this.deliver(channel, each);
    }
  }

  /** Bytes of files under way to a user. */
  underWay(user: FileUser): number {
    const frames = this.channels.flatMap(({ toward }) => (toward.get(user) ?? []).map(decodeFrame));
    return frames.reduce((sum, frame) => sum + (frame.type === 'chunk' ? frame.sealed.length - 16 : 0), 0);
  }
}

/** The bytes of a larger file. */
export const LARGE = 2 * FILE_WINDOW + 12_345;
export const largeBytes = content(LARGE);

export type FilePair = {
  net: FileNet;
  alice: FileUser;
  bob: FileUser;
  /** Alice offers a file, and Bob hears so. */
  offer(of?: Uint8Array<ArrayBuffer>, over?: Partial<FileAbout>): Promise<void>;
  /** Bob takes the last one. */
  take(): Promise<void>;
};

export const filePair = async (): Promise<FilePair> => {
  const net = await FileNet.start();
  const [alice, bob] = net.users;
  return {
    ...{ net, alice, bob },
    async offer(of = largeBytes, over = {}) {
      await alice.files.offer(alice.conversation, new Blob([of]), about(over));
      while (bob.mail.length > 0) await net.read(bob);
    },
    async take() {
      await bob.files.take(bob.id);
      await net.rest();
    },
  };
};

/** Of the last file. */
export const contentOf = async (user: FileUser): Promise<Uint8Array> =>
  new Uint8Array(await (await user.files.content(user.id)).arrayBuffer());

export const piecesOf = async (user: FileUser): Promise<number> => (await user.stored.all('chunks')).length;

/** Of the first file. */
export const offerOf = async (user: FileUser): Promise<FileOffer> => {
  const [[, stored] = ['', new Uint8Array(0)]] = await user.stored.all('files');
  return readRecord(stored).offer;
};

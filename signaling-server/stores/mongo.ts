import { randomUUID } from 'node:crypto';
import { MongoClient, MongoServerError, type Collection, type Db, type Document } from 'mongodb';
import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { codeOf, LocalError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import { entriesCodec, Mailboxes, type MailboxPorts } from './mailboxes.ts';
import { databaseOf, dateOf, indexes, plain, type Index } from './mongo-documents.ts';
import {
  pastPrefix,
  type Archive,
  type ConsensusRecord,
  type DescriptorRecord,
  type DocumentRecord,
  type EventRecord,
  type HandleRecord,
  type MailRecord,
  type NodeRecord,
  type SealedRecord,
  type SweepBounds,
} from './ports.ts';
import { Turns } from './turns.ts';

const ANSWER_MS: Millis = 2_500;
const RETRY_MS: Millis = 1_000;
const DUPLICATE = 11_000;

type Stored<Id = string> = Document & { _id: Id };

/**
 * `archive` in a MongoDB. A write is answered when a majority has it in its journal; none needs more than one document
 * to change at once. What decides is a unique `_id` (sequence number, id in hex, name) or a condition within an update.
 * FerretDB 1 looks and writes in two steps: with it, conditions hold among the calls of one process, which take turns for
 * each document, and not among several. `until` is `expires` as a date, for the engine's own removal. While the database is away calls
 * throw `storage` after 2.5 s; the connection comes back by itself.
 */
export class MongoArchive implements Archive {
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #turns = new Turns();
  readonly #mailboxes: Mailboxes;
  #order = 0;
  #connected = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(url: string) {
    this.#client = new MongoClient(url, {
      serverSelectionTimeoutMS: ANSWER_MS,
      connectTimeoutMS: ANSWER_MS,
      socketTimeoutMS: ANSWER_MS,
      waitQueueTimeoutMS: ANSWER_MS,
      heartbeatFrequencyMS: 2_000,
      maxPoolSize: 16,
      promoteBuffers: true,
      writeConcern: { w: 'majority', journal: true },
    });
    this.#db = this.#client.db(databaseOf(url));
    this.#mailboxes = new Mailboxes(this.#mailboxPorts());
  }

  /** The database's name is the URL's path. One that is away at the start is one that is away, which `ping` tells. */
  static async open(url: string): Promise<MongoArchive> {
    const archive = await guarded(() => Promise.resolve(new MongoArchive(url)));
    await archive.#prepare();
    return archive;
  }

  appendConsensus({ sequence, ...rest }: ConsensusRecord): Promise<boolean> {
    return this.#answer(() => inserted(this.#of<number>('consensus'), { _id: sequence, ...rest }));
  }

  latestConsensus(): Promise<ConsensusRecord | undefined> {
    return this.#answer(async () => {
      const found = await this.#of<number>('consensus').findOne({}, { sort: { _id: -1 } });
      return found ? plain<ConsensusRecord>({ sequence: found._id, ...found }) : undefined;
    });
  }

  latestSequence(): Promise<number> {
    return this.#answer(async () => {
      const found = await this.#of<number>('consensus').findOne(
        {},
        { sort: { _id: -1 }, projection: { _id: 1 } },
      );
      return found?._id ?? 0;
    });
  }

  putDescriptor(record: DescriptorRecord): Promise<boolean> {
    return this.#putHigher('descriptors', record);
  }

  descriptor(id: Uint8Array, now: Millis): Promise<DescriptorRecord | undefined> {
    return this.#unexpired('descriptors', hex(id), now);
  }

  descriptorCount(): Promise<number> {
    return this.#answer(() => this.#of('descriptors').countDocuments({}));
  }

  putNodes(records: NodeRecord[]): Promise<void> {
    return this.#answer(async () => {
      if (records.length === 0) return;
      const writes = records.map((record) => ({
        replaceOne: { filter: { _id: record.node as string }, replacement: { ...record }, upsert: true },
      }));
      await this.#of('nodes').bulkWrite(writes, { ordered: false });
    });
  }

  removeNode(node: NodeId): Promise<void> {
    return this.#answer(async () => void (await this.#of('nodes').deleteOne({ _id: node })));
  }

  nodes(from: Millis): Promise<NodeRecord[]> {
    return this.#answer(async () => {
      const found = await this.#of('nodes')
        .find({ seen: { $gte: from } })
        .sort({ _id: 1 })
        .toArray();
      return found.map((each) => plain<NodeRecord>(each));
    });
  }

  deposit(record: MailRecord, quota: number): Promise<'stored' | 'full'> {
    return this.#answer(() => this.#mailboxes.deposit(record, quota));
  }

  mail(mailbox: Uint8Array, most: number, now: Millis): Promise<MailRecord[]> {
    return this.#answer(() => this.#mailboxes.collect(mailbox, most, now));
  }

  removeMail(mailbox: Uint8Array, ids: Uint8Array[]): Promise<void> {
    return this.#answer(() => this.#mailboxes.remove(mailbox, ids));
  }

  putRecord(record: SealedRecord): Promise<boolean> {
    return this.#putHigher('records', record);
  }

  record(id: Uint8Array, now: Millis): Promise<SealedRecord | undefined> {
    return this.#unexpired('records', hex(id), now);
  }

  putHandle(record: HandleRecord, now: Millis): Promise<boolean> {
    const { name, key, revision } = record;
    const mayTake = [{ expires: { $lte: now } }, { key, revision: { $lt: revision } }];
    return this.#put('handles', name, { $or: mayTake }, record);
  }

  handle(name: string, now: Millis): Promise<HandleRecord | undefined> {
    return this.#unexpired('handles', name, now);
  }

  putDocument({ id, bytes, expires }: DocumentRecord): Promise<boolean> {
    const document = { _id: id, bytes, expires, until: dateOf(expires) };
    return this.#answer(() => inserted(this.#of('documents'), document));
  }

  async document(id: string, now: Millis): Promise<DocumentRecord | undefined> {
    const found = await this.#unexpired<Omit<DocumentRecord, 'id'>>('documents', id, now);
    return found && { id, ...found };
  }

  documents(prefix: string, now: Millis): Promise<DocumentRecord[]> {
    return this.#answer(async () => {
      const found = await this.#of('documents')
        .find({ _id: { $gte: prefix, $lt: pastPrefix(prefix) }, expires: { $gt: now } })
        .sort({ _id: 1 })
        .toArray();
      return found.map((each) => plain<DocumentRecord>({ id: each._id, ...each }));
    });
  }

  addEvents(events: EventRecord[]): Promise<void> {
    return this.#answer(async () => {
      if (events.length === 0) return;
      const documents = events.map((event) => ({ ...event, order: this.#nextOrder(), _id: randomUUID() }));
      await this.#of('events').insertMany(documents);
    });
  }

  events(from: Millis): Promise<EventRecord[]> {
    return this.#answer(async () => {
      const found = await this.#of('events')
        .find({ time: { $gte: from } })
        .sort({ time: 1, order: 1 })
        .toArray();
      return found.map((each) => plain<EventRecord>(each));
    });
  }

  sweep({ now, nodesBefore, chainBefore, eventsBefore }: SweepBounds): Promise<void> {
    return this.#answer(async () => {
      for (const name of ['descriptors', 'mail', 'mailboxes', 'records', 'handles', 'documents']) {
        await this.#of(name).deleteMany({ expires: { $lte: now } });
      }
      await this.#of('nodes').deleteMany({ seen: { $lt: nodesBefore } });
      await this.#of('events').deleteMany({ time: { $lt: eventsBefore } });
      const latest = await this.latestSequence();
      await this.#of<number>('consensus').deleteMany({ time: { $lt: chainBefore }, _id: { $lt: latest } });
    });
  }

  ping(): Promise<void> {
    return this.#answer(async () => void (await this.#db.command({ ping: 1 })));
  }

  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    return guarded(() => this.#client.close());
  }

  #of<Id = string>(name: string): Collection<Stored<Id>> {
    return this.#db.collection<Stored<Id>>(name);
  }

  #putHigher(name: string, record: DescriptorRecord | SealedRecord): Promise<boolean> {
    return this.#put(name, hex(record.id), { revision: { $lt: record.revision } }, record);
  }

  /** Puts the record where none stands, or one that meets the condition. */
  #put(name: string, id: string, condition: Document, record: { expires: Millis }): Promise<boolean> {
    const values = { ...record, until: dateOf(record.expires) };
    return this.#answer(() =>
      this.#turns.take(`${name} ${id}`, () =>
        unlessTaken(() =>
          this.#of(name).updateOne({ _id: id, ...condition }, { $set: values }, { upsert: true }),
        ),
      ),
    );
  }

  #unexpired<T>(name: string, id: string, now: Millis): Promise<T | undefined> {
    return this.#answer(async () => {
      const found = await this.#of(name).findOne({ _id: id });
      return found && Number(found['expires']) > now ? plain<T>(found) : undefined;
    });
  }

  #mailboxPorts(): MailboxPorts {
    const [ledgers, mail] = [this.#of('mailboxes'), this.#of('mail')];
    const idOf = (mailbox: string, id: string): string => `${mailbox}:${id}`;
    return {
      async ledger(mailbox) {
        const found = await ledgers.findOne({ _id: mailbox });
        if (!found) return undefined;
        const { version, entries } = plain<{ version: string; entries: Uint8Array }>(found);
        return { version, entries: decode(entriesCodec, entries) };
      },
      async setLedger(mailbox, version, entries) {
        const expires = Math.max(0, ...entries.map((entry) => entry.expires));
        const bytes = Buffer.from(encode(entriesCodec, entries));
        const values = { version: randomUUID(), entries: bytes, expires, until: dateOf(expires) };
        if (version === undefined) return inserted(ledgers, { _id: mailbox, ...values });
        return (await ledgers.updateOne({ _id: mailbox, version }, { $set: values })).matchedCount > 0;
      },
      async stored(mailbox, ids) {
        const found = await mail
          .find({ _id: { $in: ids.map((id) => idOf(mailbox, id)) } }, { projection: { _id: 1 } })
          .toArray();
        const standing = new Set(found.map(({ _id }) => _id));
        return ids.filter((id) => standing.has(idOf(mailbox, id)));
      },
      async message(mailbox, id) {
        const found = await mail.findOne({ _id: idOf(mailbox, id) });
        return found ? plain<MailRecord>(found) : undefined;
      },
      addMessage: async (record) => {
        const mailbox = hex(record.mailbox);
        const _id = idOf(mailbox, hex(record.id));
        const message = { ...record, until: dateOf(record.expires) };
        if (await inserted(mail, { _id, ...message })) return true;
        await mail.deleteOne({ _id, expires: { $lte: record.at } });
        return inserted(mail, { _id, ...message });
      },
      async removeMessages(mailbox, ids) {
        const removals = ids.map((id) => ({ deleteOne: { filter: { _id: idOf(mailbox, id) } } }));
        await mail.bulkWrite(removals, { ordered: false });
      },
    };
  }

  /** Rises with every call, and mostly from process to process too. */
  #nextOrder(): number {
    this.#order = Math.max(this.#order + 1, Date.now() * 1_000);
    return this.#order;
  }

  /** The driver comes back by itself only to what it has reached once. */
  #answer<T>(work: () => Promise<T>): Promise<T> {
    return guarded(async () => {
      if (!this.#connected && !this.#closed) {
        await this.#client.connect();
        this.#connected = true;
      }
      return work();
    });
  }

  /** Nothing but speed depends on the indexes, so that they may come later. */
  async #prepare(): Promise<void> {
    try {
      await this.ping();
      for (const [name, descriptions] of Object.entries(indexes)) {
        for (const index of descriptions) await this.#index(name, index);
      }
    } catch {
      if (!this.#closed) this.#retry = setTimeout(() => void this.#prepare(), RETRY_MS).unref();
    }
  }

  async #index(name: string, { key, ...options }: Index): Promise<void> {
    const collection = this.#of(name);
    try {
      await collection.createIndex(key, options);
    } catch (error) {
      if (!(error instanceof MongoServerError) || !('expireAfterSeconds' in options)) throw error;
      await collection.createIndex(key);
    }
  }
}

/** False when one with that `_id` stands there. */
const inserted = <Id>(collection: Collection<Stored<Id>>, document: Stored<Id>): Promise<boolean> =>
  unlessTaken(() => collection.insertOne(document as Parameters<typeof collection.insertOne>[0]));

const unlessTaken = async (write: () => Promise<unknown>): Promise<boolean> => {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE) return false;
    throw error;
  }
};

/** The engine's own name for what is wrong, such as Unauthorized, tells nothing of where it is. */
const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error;
    const name = error instanceof MongoServerError ? error.codeName : undefined;
    throw new LocalError(
      'storage',
      name === undefined ? 'the database does not answer' : `the database says ${name}`,
    );
  }
};

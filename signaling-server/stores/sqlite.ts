import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, LocalError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
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
import { layouts, statements } from './sqlite-schema.ts';

/**
 * `archive` in one SQLite file: the embedded default. The write-ahead log is synced at every commit, so what a call
 * has answered survives the death of the process and of the machine. The file belongs to one process at a time.
 */
export class SqliteArchive implements Archive {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<keyof typeof statements, StatementSync>();

  /** Throws `storage` when the file can't be opened or another process has it. */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#database = guarded(() => open(file));
  }

  appendConsensus(record: ConsensusRecord): Promise<boolean> {
    return this.#answer(
      () =>
        this.#run('appendConsensus', record.sequence, record.fence, record.time, record.hash, record.bytes) >
        0,
    );
  }

  latestConsensus(): Promise<ConsensusRecord | undefined> {
    return this.#answer(() => this.#rows<ConsensusRecord>('latestConsensus')[0]);
  }

  latestSequence(): Promise<number> {
    return this.#answer(() => this.#rows<{ sequence: number }>('latestSequence')[0]?.sequence ?? 0);
  }

  putDescriptor(r: DescriptorRecord): Promise<boolean> {
    return this.#answer(
      () =>
        this.#run('putDescriptor', r.id, r.blindedKey, r.period, r.revision, r.blob, r.signature, r.expires) >
        0,
    );
  }

  descriptor(id: Uint8Array, now: Millis): Promise<DescriptorRecord | undefined> {
    return this.#answer(() => this.#rows<DescriptorRecord>('descriptor', id, now)[0]);
  }

  descriptorCount(): Promise<number> {
    return this.#answer(() => this.#rows<{ count: number }>('descriptorCount')[0]?.count ?? 0);
  }

  putNodes(records: NodeRecord[]): Promise<void> {
    return this.#answer(() => {
      this.#together(() => {
        for (const r of records) this.#run('putNode', r.node, r.descriptor, r.published, r.since, r.seen);
      });
    });
  }

  removeNode(node: NodeId): Promise<void> {
    return this.#answer(() => void this.#run('removeNode', node));
  }

  nodes(from: Millis): Promise<NodeRecord[]> {
    return this.#answer(() => this.#rows<NodeRecord>('nodes', from));
  }

  deposit(r: MailRecord, quota: number): Promise<'stored' | 'full'> {
    return this.#answer(() => {
      let answer: 'stored' | 'full' = 'stored';
      this.#together(() => {
        this.#run('expireMail', r.mailbox, r.at);
        if (this.#rows('hasMail', r.mailbox, r.id).length > 0) return;
        const used = this.#rows<{ used: number }>('usedByMail', r.mailbox)[0]?.used ?? 0;
        if (used + r.blob.length > quota) answer = 'full';
        else this.#run('addMail', r.mailbox, r.id, r.blob, r.at, r.expires);
      });
      return answer;
    });
  }

  mail(mailbox: Uint8Array, most: number, now: Millis): Promise<MailRecord[]> {
    return this.#answer(() => this.#rows<MailRecord>('mail', mailbox, now, most));
  }

  removeMail(mailbox: Uint8Array, ids: Uint8Array[]): Promise<void> {
    return this.#answer(() => {
      this.#together(() => {
        for (const id of ids) this.#run('removeMail', mailbox, id);
      });
    });
  }

  putRecord(r: SealedRecord): Promise<boolean> {
    return this.#answer(
      () => this.#run('putRecord', r.id, r.key, r.revision, r.blob, r.signature, r.expires) > 0,
    );
  }

  record(id: Uint8Array, now: Millis): Promise<SealedRecord | undefined> {
    return this.#answer(() => this.#rows<SealedRecord>('record', id, now)[0]);
  }

  putHandle(r: HandleRecord, now: Millis): Promise<boolean> {
    return this.#answer(
      () => this.#run('putHandle', r.name, r.key, r.revision, r.content, r.signature, r.expires, now) > 0,
    );
  }

  handle(name: string, now: Millis): Promise<HandleRecord | undefined> {
    return this.#answer(() => this.#rows<HandleRecord>('handle', name, now)[0]);
  }

  putDocument({ id, bytes, expires }: DocumentRecord): Promise<boolean> {
    return this.#answer(() => this.#run('putDocument', id, bytes, expires) > 0);
  }

  document(id: string, now: Millis): Promise<DocumentRecord | undefined> {
    return this.#answer(() => this.#rows<DocumentRecord>('document', id, now)[0]);
  }

  documents(prefix: string, now: Millis): Promise<DocumentRecord[]> {
    return this.#answer(() => this.#rows('documents', prefix, pastPrefix(prefix), now));
  }

  addEvents(events: EventRecord[]): Promise<void> {
    return this.#answer(() => {
      this.#together(() => {
        for (const e of events) this.#run('addEvent', e.time, e.process, e.event, e.code, e.count);
      });
    });
  }

  events(from: Millis): Promise<EventRecord[]> {
    return this.#answer(() => this.#rows<EventRecord>('events', from));
  }

  sweep({ now, nodesBefore, chainBefore, eventsBefore }: SweepBounds): Promise<void> {
    return this.#answer(() => {
      this.#together(() => {
        this.#run('sweepDescriptors', now);
        this.#run('sweepMail', now);
        this.#run('sweepRecords', now);
        this.#run('sweepHandles', now);
        this.#run('sweepDocuments', now);
        this.#run('sweepNodes', nodesBefore);
        this.#run('sweepChain', chainBefore);
        this.#run('sweepEvents', eventsBefore);
      });
    });
  }

  ping(): Promise<void> {
    return this.#answer(() => void this.#rows('ping'));
  }

  close(): Promise<void> {
    return this.#answer(() => {
      if (this.#database.isOpen) this.#database.close();
    });
  }

  /** A throw becomes a rejection, as with an engine that is asked over a network. */
  #answer<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      resolve(guarded(work));
    });
  }

  /** One commit, and so one sync, for many changes. */
  #together(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #run(name: keyof typeof statements, ...values: (number | string | Uint8Array)[]): number {
    return Number(this.#statement(name).run(...values).changes);
  }

  #rows<T>(name: keyof typeof statements, ...values: (number | string | Uint8Array)[]): T[] {
    return this.#statement(name).all(...values) as T[];
  }

  #statement(name: keyof typeof statements): StatementSync {
    const known = this.#prepared.get(name);
    if (known) return known;
    const made = this.#database.prepare(statements[name]);
    this.#prepared.set(name, made);
    return made;
  }
}

const open = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file, { timeout: 1000 });
  // Before the first read, so that a second server on the same file is turned away at once.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > layouts.length) {
    throw new LocalError(
      'storage',
      `the archive has layout ${String(version)}, this program reads ${String(layouts.length)}`,
    );
  }
  if (version < layouts.length) {
    const steps = layouts.slice(version).join('');
    database.exec(`BEGIN IMMEDIATE; ${steps} PRAGMA user_version = ${String(layouts.length)}; COMMIT`);
  }
  return database;
};

const guarded = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error;
    const reason = error instanceof Error ? error.message : 'unknown';
    const detail = /locked|busy/i.test(reason) ? 'another process has the archive open' : reason;
    throw new LocalError('storage', detail);
  }
};

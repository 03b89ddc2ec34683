import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, LocalError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive, ConsensusRecord, DescriptorRecord, NodeRecord, SweepBounds } from './ports.ts';

const SCHEMA_VERSION = 1;

const schema = `
  CREATE TABLE consensus (
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE descriptor (
    id BLOB PRIMARY KEY,
    blinded_key BLOB NOT NULL,
    period INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    blob BLOB NOT NULL,
    signature BLOB NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX descriptor_expires ON descriptor (expires);
  CREATE TABLE node (
    id TEXT PRIMARY KEY,
    descriptor BLOB NOT NULL,
    published INTEGER NOT NULL,
    since INTEGER NOT NULL,
    seen INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX node_seen ON node (seen);
  PRAGMA user_version = ${String(SCHEMA_VERSION)};
`;

const statements = {
  appendConsensus:
    'INSERT INTO consensus (sequence, time, hash, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  latestConsensus: 'SELECT sequence, time, hash, bytes FROM consensus ORDER BY sequence DESC LIMIT 1',
  putDescriptor: `INSERT INTO descriptor (id, blinded_key, period, revision, blob, signature, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET blinded_key = excluded.blinded_key, period = excluded.period,
      revision = excluded.revision, blob = excluded.blob, signature = excluded.signature, expires = excluded.expires
    WHERE excluded.revision > descriptor.revision`,
  descriptor: `SELECT id, blinded_key AS blindedKey, period, revision, blob, signature, expires
    FROM descriptor WHERE id = ? AND expires > ?`,
  descriptorCount: 'SELECT count(expires) AS count FROM descriptor',
  putNode: `INSERT INTO node (id, descriptor, published, since, seen) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET descriptor = excluded.descriptor, published = excluded.published,
      since = excluded.since, seen = excluded.seen`,
  removeNode: 'DELETE FROM node WHERE id = ?',
  nodes: 'SELECT id AS node, descriptor, published, since, seen FROM node WHERE seen >= ? ORDER BY id',
  sweepDescriptors: 'DELETE FROM descriptor WHERE expires <= ?',
  sweepNodes: 'DELETE FROM node WHERE seen < ?',
  sweepChain: 'DELETE FROM consensus WHERE time < ? AND sequence < (SELECT max(sequence) FROM consensus)',
} as const;

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
      () => this.#run('appendConsensus', record.sequence, record.time, record.hash, record.bytes) > 0,
    );
  }

  latestConsensus(): Promise<ConsensusRecord | undefined> {
    return this.#answer(() => this.#rows<ConsensusRecord>('latestConsensus')[0]);
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

  sweep({ now, nodesBefore, chainBefore }: SweepBounds): Promise<void> {
    return this.#answer(() => {
      this.#together(() => {
        this.#run('sweepDescriptors', now);
        this.#run('sweepNodes', nodesBefore);
        this.#run('sweepChain', chainBefore);
      });
    });
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
  if (version === 0) database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
  else if (version !== SCHEMA_VERSION) {
    throw new LocalError(
      'storage',
      `the archive has layout ${String(version)}, this program reads ${String(SCHEMA_VERSION)}`,
    );
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

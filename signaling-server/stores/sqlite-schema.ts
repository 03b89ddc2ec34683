const first = `
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
`;

const second = `
  ALTER TABLE consensus ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE mail (
    place INTEGER PRIMARY KEY,
    mailbox BLOB NOT NULL,
    id BLOB NOT NULL,
    blob BLOB NOT NULL,
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    UNIQUE (mailbox, id)
  ) STRICT;
  CREATE INDEX mail_expires ON mail (expires);
  CREATE TABLE record (
    id BLOB PRIMARY KEY,
    key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    blob BLOB NOT NULL,
    signature BLOB NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX record_expires ON record (expires);
  CREATE TABLE handle (
    name TEXT PRIMARY KEY,
    key BLOB NOT NULL,
    revision INTEGER NOT NULL,
    content BLOB NOT NULL,
    signature BLOB NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX handle_expires ON handle (expires);
  CREATE TABLE event (
    place INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    process TEXT NOT NULL,
    event TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX event_time ON event (time);
`;

const third = `
  CREATE TABLE document (id TEXT PRIMARY KEY, bytes BLOB NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX document_expires ON document (expires);
`;

/** Each makes its layout of the one before it; the first stands on an empty file. A file's `user_version` counts them. */
export const layouts: readonly string[] = [first, second, third];

export const statements = {
  appendConsensus:
    'INSERT INTO consensus (sequence, fence, time, hash, bytes) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  latestConsensus: 'SELECT sequence, fence, time, hash, bytes FROM consensus ORDER BY sequence DESC LIMIT 1',
  latestSequence: 'SELECT sequence FROM consensus ORDER BY sequence DESC LIMIT 1',
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
  expireMail: 'DELETE FROM mail WHERE mailbox = ? AND expires <= ?',
  hasMail: 'SELECT place FROM mail WHERE mailbox = ? AND id = ?',
  usedByMail: 'SELECT coalesce(sum(length(blob)), 0) AS used FROM mail WHERE mailbox = ?',
  addMail: 'INSERT INTO mail (mailbox, id, blob, at, expires) VALUES (?, ?, ?, ?, ?)',
  mail: `SELECT mailbox, id, blob, at, expires FROM mail WHERE mailbox = ? AND expires > ?
    ORDER BY place LIMIT ?`,
  removeMail: 'DELETE FROM mail WHERE mailbox = ? AND id = ?',
  putRecord: `INSERT INTO record (id, key, revision, blob, signature, expires) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET key = excluded.key, revision = excluded.revision, blob = excluded.blob,
      signature = excluded.signature, expires = excluded.expires
    WHERE excluded.revision > record.revision`,
  record: 'SELECT id, key, revision, blob, signature, expires FROM record WHERE id = ? AND expires > ?',
  putHandle: `INSERT INTO handle (name, key, revision, content, signature, expires) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET key = excluded.key, revision = excluded.revision, content = excluded.content,
      signature = excluded.signature, expires = excluded.expires
    WHERE handle.expires <= ? OR (excluded.key = handle.key AND excluded.revision > handle.revision)`,
  handle:
    'SELECT name, key, revision, content, signature, expires FROM handle WHERE name = ? AND expires > ?',
  putDocument: 'INSERT INTO document (id, bytes, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  document: 'SELECT id, bytes, expires FROM document WHERE id = ? AND expires > ?',
  documents: 'SELECT id, bytes, expires FROM document WHERE id >= ? AND id < ? AND expires > ? ORDER BY id',
  addEvent: 'INSERT INTO event (time, process, event, code, count) VALUES (?, ?, ?, ?, ?)',
  events: 'SELECT time, process, event, code, count FROM event WHERE time >= ? ORDER BY time, place',
  sweepDescriptors: 'DELETE FROM descriptor WHERE expires <= ?',
  sweepMail: 'DELETE FROM mail WHERE expires <= ?',
  sweepRecords: 'DELETE FROM record WHERE expires <= ?',
  sweepHandles: 'DELETE FROM handle WHERE expires <= ?',
  sweepDocuments: 'DELETE FROM document WHERE expires <= ?',
  sweepNodes: 'DELETE FROM node WHERE seen < ?',
  sweepChain: 'DELETE FROM consensus WHERE time < ? AND sequence < (SELECT max(sequence) FROM consensus)',
  sweepEvents: 'DELETE FROM event WHERE time < ?',
  ping: 'SELECT 1',
} as const;

import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { Binary, MongoClient } from 'mongodb';
import type { Kept } from '#tests/support/joiner.ts';

/** Everything that a store holds: texts such as keys and names, and bytes. */
export type Dump = { texts: string[]; bytes: Uint8Array[] };

/** Every key of a Redis with its value. */
export const dumpRedis = async (url: string): Promise<Dump> => {
  const kept = await keptInRedis(url);
  return { texts: kept.map(({ name }) => name), bytes: kept.flatMap(({ bytes }) => bytes) };
};

/** Each key of a Redis with what stands under it. */
export const keptInRedis = async (url: string): Promise<Kept[]> => {
  const client = new Redis(url);
  try {
    const kept: Kept[] = [];
    for (const key of await client.keysBuffer('*')) {
      const name = key.toString('latin1');
      const bytes = await valuesOf(client, key);
      kept.push({ name, texts: [name, ...bytes.map((value) => value.toString('latin1'))], bytes });
    }
    return kept;
  } finally {
    await client.quit();
  }
};

/** Each row of each table of an SQLite file that no server has open. */
export const keptInSqlite = (file: string): Kept[] => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
      name: string;
    }[];
    return tables.flatMap(({ name }) =>
      database
        .prepare(`SELECT * FROM "${name}"`)
        .all()
        .map((row) => ({
          name,
          texts: Object.values(row).filter((value) => typeof value === 'string'),
          bytes: Object.values(row).filter((value) => value instanceof Uint8Array),
        })),
    );
  } finally {
    database.close();
  }
};

const valuesOf = async (client: Redis, key: Buffer): Promise<Buffer[]> => {
  const kind = await client.type(key);
  if (kind === 'list') return client.lrangeBuffer(key, 0, -1);
  if (kind === 'set') return client.smembersBuffer(key);
  if (kind === 'zset') return client.zrangeBuffer(key, '0', '-1');
  if (kind === 'hash')
    return Object.entries(await client.hgetallBuffer(key)).flatMap(([name, value]) => [
      Buffer.from(name),
      value,
    ]);
  if (kind === 'none') return [];
  if (kind !== 'string') throw new Error(`a Redis key of the kind ${kind}`);
  const value = await client.getBuffer(key);
  return value ? [value] : [];
};

/** Every document of every collection of a MongoDB database, index definitions included. */
export const dumpMongo = async (url: string): Promise<Dump> => {
  const client = new MongoClient(url);
  const dump: Dump = { texts: [], bytes: [] };
  try {
    const name = new URL(url).pathname.slice(1);
    const database = client.db(name === '' ? 'hourglass' : name);
    for (const { name: collection } of await database.listCollections().toArray()) {
      dump.texts.push(collection);
      for (const document of await database.collection(collection).find().toArray()) flatten(document, dump);
    }
  } finally {
    await client.close();
  }
  return dump;
};

const flatten = (value: unknown, dump: Dump): void => {
  if (typeof value === 'string') dump.texts.push(value);
  else if (value instanceof Binary) dump.bytes.push(value.buffer);
  else if (value instanceof Uint8Array) dump.bytes.push(value);
  else if (Array.isArray(value)) for (const each of value) flatten(each, dump);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      dump.texts.push(name);
      flatten(each, dump);
    }
  }
};

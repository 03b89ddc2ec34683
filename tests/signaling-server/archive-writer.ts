/**
 * Stores descriptors as fast as it can, and says the number of each once it is stored; killed by its parent. Its argument
 * is a file for SQLite, or the URL of a MongoDB.
 */
import { writeSync } from 'node:fs';
import { MongoArchive } from '#server/stores/mongo.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';

const place = process.argv[2] ?? '';
const archive = place.startsWith('mongodb://') ? await MongoArchive.open(place) : new SqliteArchive(place);
for (let i = 0; ; i++) {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, i);
  const key = new Uint8Array(32);
  const [blob, signature] = [new Uint8Array(16_384).fill(i), new Uint8Array(64)];
  await archive.putDescriptor({
    id,
    blindedKey: key,
    period: 1,
    revision: 1,
    blob,
    signature,
    expires: 1_000,
  });
  writeSync(1, `${String(i)}\n`);
}

/** Stores descriptors as fast as it can, and says the number of each once it is stored; killed by its parent. */
import { writeSync } from 'node:fs';
import { SqliteArchive } from '#server/stores/sqlite.ts';

const archive = new SqliteArchive(process.argv[2] ?? '');
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

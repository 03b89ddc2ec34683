import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { MemoryLive } from './memory.ts';
import { MongoArchive } from './mongo.ts';
import type { Archive, Live } from './ports.ts';
import { RedisLive } from './redis.ts';
import { SqliteArchive } from './sqlite.ts';

const ARCHIVE_FILE = 'archive.sqlite';

/** The engines that are configured: each port has one. Throws `storage` when an embedded one can't be opened. */
export const openStores = async (
  { redisUrls, mongodbUrl, dataDir }: Config,
  clock: Clock,
): Promise<{ live: Live; archive: Archive }> => ({
  live: redisUrls.length > 0 ? await RedisLive.open({ urls: redisUrls, clock }) : new MemoryLive(clock),
  archive:
    mongodbUrl === undefined
      ? new SqliteArchive(join(dataDir, ARCHIVE_FILE))
      : await MongoArchive.open(mongodbUrl),
});

import { accessSync, constants, existsSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from './config.ts';
import { failed, ok, reason, skipped, type Check, type Outcome } from './doctor-check.ts';
import { loadKeys } from './keys.ts';

/** As much of a store as its check needs. */
export type Engine = { ping(): Promise<void>; close(): Promise<void> };

/** How the stores' engines are reached. */
export type Engines = {
  openLive(urls: string[]): Promise<Engine>;
  openArchive(url: string): Promise<Engine>;
};

/** The data folder, the keys, and the stores that are not in this process. */
export const storeChecks = (config: Config, engines: Engines): Check[] => [
  { name: 'data folder', run: async () => folderOutcome(config) },
  { name: 'keys', run: async () => keysOutcome(config.keysFile) },
  { name: 'Redis', run: () => liveOutcome(config.redisUrls, engines) },
  { name: 'MongoDB', run: () => archiveOutcome(config.mongodbUrl, engines) },
];

const folderOutcome = ({ dataDir }: Config): Outcome => {
  const folder = resolve(dataDir);
  if (!existsSync(folder)) {
    return isWritable(nearest(folder))
      ? skipped(`${dataDir} is not there yet; the first start makes it`)
      : failed(`${dataDir} is not there, and this user may not make it: make it, or change HG_DATA_DIR`);
  }
  if (!statSync(folder).isDirectory()) return failed(`${dataDir} is no folder: change HG_DATA_DIR`);
  try {
    rmdirSync(mkdtempSync(join(folder, '.doctor-')));
    return ok(`${dataDir} can be written`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return failed(`${dataDir} cannot be written (${code}): make this user its owner, or change HG_DATA_DIR`);
  }
};

const nearest = (folder: string): string => (existsSync(folder) ? folder : nearest(dirname(folder)));

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const keysOutcome = (file: string): Outcome => {
  if (!existsSync(file)) return skipped(`${file} is not there yet; the first start makes it`);
  try {
    return ok(`the directory is ${loadKeys(file).id}`);
  } catch (error) {
    return failed(`${reason(error)}; HG_KEYS_FILE sets where the keys are`);
  }
};

const liveOutcome = async (urls: string[], { openLive }: Engines): Promise<Outcome> => {
  if (urls.length === 0) return skipped('HG_REDIS_URL is not set; one process keeps what is alive to itself');
  return engineOutcome(() => openLive(urls), 'start it, or change HG_REDIS_URL');
};

const archiveOutcome = async (url: string | undefined, { openArchive }: Engines): Promise<Outcome> => {
  if (url === undefined)
    return skipped('HG_MONGODB_URL is not set; the archive is a file in the data folder');
  return engineOutcome(() => openArchive(url), 'start it, or change HG_MONGODB_URL');
};

const engineOutcome = async (open: () => Promise<Engine>, advice: string): Promise<Outcome> => {
  let engine: Engine | undefined;
  try {
    engine = await open();
    const askedAt = performance.now();
    await engine.ping();
    return ok(`answers in ${(performance.now() - askedAt).toFixed(1)} ms`);
  } catch (error) {
    return failed(`${reason(error)}: ${advice}`);
  } finally {
    await engine?.close();
  }
};

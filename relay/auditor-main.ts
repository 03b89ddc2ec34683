/**
 * An auditor: `npm run auditor -- --directory URL --key FILE [--guards FILE] [--bind ADDRESS]`. Its public key, which it prints,
 * has to stand in the server's HG_AUDITOR_KEYS. The server's own auditor is a child of the server's process, and gets its key by
 * the message `{ seed }` (hex) instead. Exit codes: 0 when stopped, 64 when the arguments can't be used, 1 otherwise.
 */
import { parseArgs } from 'node:util';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { runAuditor } from './auditing.ts';
import { fetchConfigSoon, systemRng } from './host.ts';
import { readSeed } from './keys.ts';

const EXIT_USAGE = 64;

const usage =
  'Usage: npm run auditor -- --directory URL --key FILE [--guards FILE] [--bind ADDRESS]\n' +
  'URL is the address of one server process, for example http://localhost:8080/';

type Options = {
  directory: string;
  key: string | undefined;
  guards: string | undefined;
  bind: string | undefined;
};

const options = (): Options => {
  try {
    const { values } = parseArgs({
      options: {
        directory: { type: 'string' },
        key: { type: 'string' },
        guards: { type: 'string' },
        bind: { type: 'string' },
      },
    });
    const { directory, key, guards, bind } = values;
    if (directory === undefined || !/^https?:$/.test(new URL(directory).protocol)) throw new Error();
    if (key === undefined && !process.send) throw new Error();
    return { directory, key, guards: guards ?? (key && `${key}.guards`), bind };
  } catch {
    console.error(usage);
    process.exit(EXIT_USAGE);
  }
};

const say = (message: string): void => console.log(JSON.stringify({ time: Date.now(), message }));

/** What the parent says, while it is there. */
const seedOfParent = (): Promise<Uint8Array> =>
  new Promise((done) => {
    process.channel?.ref();
    process.once('message', ({ seed }: { seed: string }) => {
      process.channel?.unref();
      done(unhex(seed));
    });
  });

const { directory, key, guards: guardsFile, bind } = options();
const seed = key === undefined ? await seedOfParent() : readSeed(key, systemRng);
if (key !== undefined) say(`auditor ${hex(signKeypair(seed).public)}`);
const config = await fetchConfigSoon(directory, () => say('the server cannot be reached yet; trying again'));
const auditor = runAuditor({
  ...{ directory, config, seed, guardsFile },
  ...(bind !== undefined && { bindAddress: bind }),
  refused: (code) => say(`the server answers ${code}`),
  event: (event) => {
    if (event.type === 'alarm') say(`alarm: ${event.code}`);
    else if (event.type === 'fault') console.error(event.error);
  },
});

let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  auditor.stop();
  // What the stack below still holds open is of no use any more.
  setTimeout(() => process.exit(0), 100);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// A parent that is gone can't stop its children.
process.on('disconnect', stop);

/**
 * A headless node: `npm run relay -- --directory URL [--key FILE] [--bind ADDRESS]`. It relays for others until it is
 * stopped by SIGTERM or SIGINT. Exit codes: 0 when stopped, 64 when the arguments can't be used, 1 otherwise.
 */
import { parseArgs } from 'node:util';
import { Driver } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { createHost, fetchConfig, systemRng } from './host.ts';
import { loadKeys } from './keys.ts';

const EXIT_USAGE = 64;
const MAX_LINKS = 256;
const RETRY_MS = 2000;

const usage = 'Usage: npm run relay -- --directory URL [--key FILE] [--bind ADDRESS]';

const options = (): { directory: string; key: string | undefined; bind: string | undefined } => {
  try {
    const { values } = parseArgs({
      options: { directory: { type: 'string' }, key: { type: 'string' }, bind: { type: 'string' } },
    });
    if (values.directory === undefined || !/^https?:$/.test(new URL(values.directory).protocol))
      throw new Error();
    return { directory: values.directory, key: values.key, bind: values.bind };
  } catch {
    console.error(`${usage}\nURL is the server's address, for example http://localhost:8080/`);
    process.exit(EXIT_USAGE);
  }
};

const say = (message: string): void => console.log(JSON.stringify({ time: Date.now(), message }));

/** The server may start later than its relays. */
const configOf = async (directory: string): ReturnType<typeof fetchConfig> => {
  for (let told = false; ; told = true) {
    try {
      return await fetchConfig(directory);
    } catch {
      if (!told) say('the server cannot be reached yet; trying again');
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
};

const { directory, key, bind } = options();
const config = await configOf(directory);
const input = (each: Input): void => driver.input(each);
const host = createHost({ directory, ...(bind !== undefined && { bindAddress: bind }) }, config, input);
const keys = loadKeys(key, systemRng);
const node = new Node({
  keys,
  rng: systemRng,
  now: Date.now(),
  role: 'node',
  headless: true,
  maxLinks: MAX_LINKS,
});
const event = (each: NodeEvent): void => {
  if (each.type === 'registered') say(each.on ? 'registered: relaying for others' : 'not registered');
  else if (each.type === 'alarm') say(`alarm: ${each.code}`);
  else if (each.type === 'fault') console.error(each.error);
};
const driver = new Driver(node, { ...host.ports, event });
driver.input({ type: 'command', command: { type: 'relay', on: true } });
driver.input({ type: 'command', command: { type: 'start' } });

let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  driver.input({ type: 'command', command: { type: 'stop' } });
  driver.stop();
  host.stop();
  // What the stack below still holds open is of no use any more.
  setTimeout(() => process.exit(0), 100);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// A parent that is gone can't stop its children.
process.on('disconnect', stop);

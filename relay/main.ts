/**
 * A headless node: `npm run relay -- --directory URL [--key FILE] [--family HEX] [--bind ADDRESS] [--inboxes N]`. It relays for
 * others, and holds up to N inboxes (1 to 65,535; 1024 unless told), until it is stopped by SIGTERM or SIGINT. Exit codes: 0 when stopped, 64 when the arguments can't be used, 1 otherwise.
 */
import { parseArgs } from 'node:util';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import { Driver } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { commitAfresh } from './commit.ts';
import { createHost, fetchConfigSoon, systemRng } from './host.ts';
import { loadKeys } from './keys.ts';

const EXIT_USAGE = 64;
const MAX_LINKS = 256;

const usage =
  'Usage: npm run relay -- --directory URL [--key FILE] [--family HEX] [--bind ADDRESS] [--inboxes N]';

type Options = {
  directory: string;
  key: string | undefined;
  family: Uint8Array | undefined;
  bind: string | undefined;
  inboxes: number | undefined;
};

const FAMILY = /^[0-9a-f]{64}$/;
const INBOXES = /^[1-9][0-9]{0,4}$/;
const MAX_INBOXES = 65_535;

const options = (): Options => {
  try {
    const { values } = parseArgs({
      options: {
        directory: { type: 'string' },
        key: { type: 'string' },
        family: { type: 'string' },
        bind: { type: 'string' },
        inboxes: { type: 'string' },
      },
    });
    if (values.directory === undefined || !/^https?:$/.test(new URL(values.directory).protocol))
      throw new Error();
    if (values.family !== undefined && !FAMILY.test(values.family)) throw new Error();
    if (values.inboxes !== undefined && !INBOXES.test(values.inboxes)) throw new Error();
    const inboxes = values.inboxes === undefined ? undefined : Number(values.inboxes);
    if (inboxes !== undefined && inboxes > MAX_INBOXES) throw new Error();
    const family = values.family === undefined ? undefined : unhex(values.family);
    return { directory: values.directory, key: values.key, family, bind: values.bind, inboxes };
  } catch {
    console.error(
      `${usage}\nURL is the server's address, for example http://localhost:8080/; HEX has 64 digits`,
    );
    process.exit(EXIT_USAGE);
  }
};

const say = (message: string): void => console.log(JSON.stringify({ time: Date.now(), message }));

const { directory, key, family, bind, inboxes } = options();
const config = await fetchConfigSoon(directory, () => say('the server cannot be reached yet; trying again'));
const input = (each: Input): void => driver.input(each);
const host = createHost({ directory, ...(bind !== undefined && { bindAddress: bind }) }, config, input);
const keys = loadKeys(key, systemRng);
const node = new Node({
  keys,
  rng: systemRng,
  now: Date.now(),
  role: 'node',
  headless: true,
  plain: true,
  family,
  maxLinks: MAX_LINKS,
  ...(inboxes !== undefined && { maxInboxes: inboxes }),
});
const commit = commitAfresh(systemRng, (command) => input({ type: 'command', command }));
const event = (each: NodeEvent): void => {
  commit(each);
  if (each.type === 'registered') say(each.on ? 'registered: relaying for others' : 'not registered');
  else if (each.type === 'alarm') say(`alarm: ${each.code}`);
  else if (each.type === 'evidence') say(`evidence: ${hex(each.evidence)}`);
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

/**
 * Finds the programs that tests and the bench drive, or installs them where that is possible: the browsers, and Redis
 * (tests/support/mongo-program.ts has the database).
 *
 * Order: for Chromium `CHROMIUM_PATH`; PATH, or macOS's usual place; on Debian as root, the distribution's own
 * package. Nothing is ever downloaded from anywhere else.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const browsers = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const elsewhere = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** What the search depends on, so that a test can say what the machine looks like. */
export type Machine = {
  env: Record<string, string | undefined>;
  root: boolean;
  /** The `ID` of /etc/os-release. */
  system: string;
  /** Where a user's programs keep what they can make anew. */
  cache: string;
  executable(path: string): boolean;
  /** Runs a command to its end; true when it succeeded. */
  run(command: string, args: string[]): boolean;
};

/** The first of these programs on PATH, or else the first of these paths. */
export function onPath(machine: Machine, names: string[], paths: string[] = []): string | undefined {
  const folders = (machine.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...paths];
  return candidates.find((path) => machine.executable(path));
}

/** What is on PATH, also when Debian's package had to bring it. */
function onPathOrInstalled(
  machine: Machine,
  package_: string,
  names: string[],
  paths?: string[],
): string | undefined {
  const found = onPath(machine, names, paths);
  if (found !== undefined || !machine.root || machine.system !== 'debian') return found;
  const installed =
    machine.run('apt-get', ['update']) &&
    machine.run('apt-get', ['install', '--yes', '--no-install-recommends', package_]);
  return installed ? onPath(machine, names, paths) : undefined;
}

/** The path of a Chromium, for `executablePath`. Throws a sentence that says what to do when there is none. */
export function findChromium(machine: Machine = thisMachine()): string {
  const named = machine.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    if (machine.executable(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, which is not an executable file.`);
  }
  const found = onPathOrInstalled(machine, 'chromium', browsers, elsewhere);
  if (found !== undefined) return found;
  throw new Error(
    'The end-to-end tests need Chromium and found none: install it so that it is on PATH ' +
      '(Debian: apt-get install chromium), or set CHROMIUM_PATH to its executable.',
  );
}

/** The path of a Firefox. Throws a sentence that says what to do when there is none. */
export function findFirefox(machine: Machine = thisMachine()): string {
  const found = onPathOrInstalled(machine, 'firefox-esr', ['firefox-esr', 'firefox']);
  if (found !== undefined) return found;
  throw new Error(
    'The test of two browsers needs Firefox and found none: install it so that it is on PATH ' +
      '(Debian: apt-get install firefox-esr).',
  );
}

/** The path of a Redis server. Throws a sentence that says what to do when there is none. */
export function findRedisServer(machine: Machine = thisMachine()): string {
  const found = onPathOrInstalled(machine, 'redis-server', ['redis-server']);
  if (found !== undefined) return found;
  throw new Error(
    'The tests of the store need Redis and found none: install it so that redis-server is on PATH ' +
      '(Debian: apt-get install redis-server).',
  );
}

export function thisMachine(): Machine {
  return {
    env: process.env,
    root: process.getuid?.() === 0,
    system: systemId(),
    cache: process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    executable(path) {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    run(command, args) {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      // Test files that run side by side install one after another.
      const lock = join(tmpdir(), 'hourglass-install.lock');
      return spawnSync('flock', [lock, command, ...args], { stdio: 'inherit', env }).status === 0;
    },
  };
}

function systemId(): string {
  try {
    const line = readFileSync('/etc/os-release', 'utf8')
      .split('\n')
      .find((text) => text.startsWith('ID='));
    return line?.slice(3).replaceAll('"', '') ?? '';
  } catch {
    return '';
  }
}

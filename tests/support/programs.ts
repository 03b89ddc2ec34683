/**
 * Finds the browser that the end-to-end tests and the bench drive, or installs it where that is possible.
 *
 * Order: `CHROMIUM_PATH`; a Chromium or Chrome on PATH, or in macOS's usual place; on Debian as root, the
 * distribution's own package. Nothing is ever downloaded from anywhere else.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
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
  executable(path: string): boolean;
  /** Runs a command to its end; true when it succeeded. */
  run(command: string, args: string[]): boolean;
};

function onPath(machine: Machine): string | undefined {
  const folders = (machine.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const paths = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...elsewhere];
  return paths.find((path) => machine.executable(path));
}

/** The path of a Chromium, for `executablePath`. Throws a sentence that says what to do when there is none. */
export function findChromium(machine: Machine = thisMachine()): string {
  const named = machine.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    if (machine.executable(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, which is not an executable file.`);
  }
  const found = onPath(machine);
  if (found !== undefined) return found;
  if (machine.root && machine.system === 'debian') {
    const installed =
      machine.run('apt-get', ['update']) &&
      machine.run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium']);
    const fresh = installed ? onPath(machine) : undefined;
    if (fresh !== undefined) return fresh;
  }
  throw new Error(
    'The end-to-end tests need Chromium and found none: install it so that it is on PATH ' +
      '(Debian: apt-get install chromium), or set CHROMIUM_PATH to its executable.',
  );
}

function thisMachine(): Machine {
  return {
    env: process.env,
    root: process.getuid?.() === 0,
    system: systemId(),
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
      return spawnSync(command, args, { stdio: 'inherit', env }).status === 0;
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

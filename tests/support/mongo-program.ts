/**
 * Finds a server that speaks MongoDB's protocol, or builds one where that is possible.
 *
 * Order: the one that `MONGODB_URL` names; `mongod` on PATH; FerretDB, built once with the machine's own Go from the
 * module proxy and kept in the user's cache folder by its version.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { onPath, thisMachine, type Machine } from '#tests/support/programs.ts';

const FERRETDB = 'github.com/FerretDB/FerretDB';
const FERRETDB_VERSION = 'v1.24.1';
/** Go's own installer puts it there, and leaves PATH to its reader. */
const goElsewhere = ['/usr/local/go/bin/go'];

/** Another test file may be building it; a build that takes longer was broken off. */
const LONGEST_BUILD_MS = 600_000;
const LOOK_EVERY_MS = 500;

export type MongoProgram =
  { kind: 'running'; url: string } | { kind: 'mongod'; path: string } | { kind: 'ferretdb'; path: string };

/** Builds FerretDB as `path` with the Go at `go`; true when it is there. */
export type Build = (go: string, path: string) => boolean;

/** Undefined when none is to be had. */
export function findMongo(
  machine: Machine = thisMachine(),
  build: Build = buildFerretdb,
): MongoProgram | undefined {
  const url = machine.env['MONGODB_URL'];
  if (url !== undefined && url !== '') return { kind: 'running', url };
  const mongod = onPath(machine, ['mongod']);
  if (mongod !== undefined) return { kind: 'mongod', path: mongod };
  const path = join(machine.cache, 'hourglass', `ferretdb-${FERRETDB_VERSION}`, 'ferretdb');
  if (machine.executable(path)) return { kind: 'ferretdb', path };
  const go = onPath(machine, ['go'], goElsewhere);
  return go !== undefined && build(go, path) ? { kind: 'ferretdb', path } : undefined;
}

/**
 * Whether tests have such a server; where they don't, one loud line says so and they are to be skipped. Throws instead
 * where `CI` is set, since there nothing may go untested.
 */
export function mongoToBeHad(machine?: Machine, build?: Build): boolean {
  if (findMongo(machine, build)) return true;
  const sentence =
    'MongoDB is NOT TESTED: put mongod on PATH, or Go (https://go.dev) to build FerretDB, or set MONGODB_URL.';
  const ci = (machine ?? thisMachine()).env['CI'];
  if (ci !== undefined && ci !== '') throw new Error(sentence);
  console.warn(sentence);
  return false;
}

function buildFerretdb(go: string, path: string): boolean {
  const lock = `${dirname(path)}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  if (!locked(lock, path)) return true;
  const folder = mkdtempSync(`${dirname(path)}-build-`);
  try {
    return compile(go, folder, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(lock, { recursive: true, force: true });
  }
}

/** True once the lock is this process's; false when `path` came to be meanwhile. */
function locked(lock: string, path: string): boolean {
  const machine = thisMachine();
  for (;;) {
    if (machine.executable(path)) return false;
    try {
      mkdirSync(lock);
      return true;
    } catch {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > LONGEST_BUILD_MS) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS);
    }
  }
}

/** The module lacks the file with its own version, without which the program does not start: so it is built from a copy. */
function compile(go: string, folder: string, path: string): boolean {
  console.warn(`building FerretDB ${FERRETDB_VERSION} once, which takes a minute or two`);
  const env = { ...process.env, GOFLAGS: '-mod=mod' };
  const at = (cwd: string, ...args: string[]) => spawnSync(go, args, { cwd, env, encoding: 'utf8' });
  const module = `${FERRETDB}@${FERRETDB_VERSION}`;
  const download = at(folder, 'mod', 'download', '-json', module);
  if (download.status !== 0) return failed(download.stdout + download.stderr);
  const source = join(folder, 'source');
  cpSync((JSON.parse(download.stdout) as { Dir: string }).Dir, source, { recursive: true });
  makeWritable(source);
  writeFileSync(join(source, 'build', 'version', 'version.txt'), FERRETDB_VERSION);
  const fresh = join(folder, 'ferretdb');
  const built = at(source, 'build', '-trimpath', '-o', fresh, './cmd/ferretdb');
  if (built.status !== 0) return failed(built.stdout + built.stderr);
  renameSync(fresh, path);
  return true;
}

function failed(text: string): false {
  console.warn(text);
  return false;
}

/** Modules are read-only where Go keeps them. */
function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    else chmodSync(path, 0o644);
  }
}

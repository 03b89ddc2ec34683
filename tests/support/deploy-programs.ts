/**
 * Finds the programs that stand around the directory in a deployment, or installs them where that is possible: on
 * Debian as root, the distribution's own packages.
 */
import { join } from 'node:path';
import { onPath, thisMachine, type Machine } from '#tests/support/programs.ts';

/** Each program with the package of Debian that has it. */
const packages = { turnserver: 'coturn', nginx: 'nginx', caddy: 'caddy' } as const;

export type DeployProgram = keyof typeof packages;

/** Where Debian has the programs of an administrator, which a user's PATH leaves out. */
const elsewhere = ['/usr/sbin', '/usr/local/sbin'];

const pathOf = (machine: Machine, program: DeployProgram): string | undefined =>
  onPath(
    machine,
    [program],
    elsewhere.map((folder) => join(folder, program)),
  );

/** The path of the program, or a sentence why it can't be had. */
export const findDeployProgram = (
  program: DeployProgram,
  machine: Machine = thisMachine(),
): { path: string } | { missing: string } => {
  const found = pathOf(machine, program);
  if (found !== undefined) return { path: found };
  const name = packages[program];
  if (machine.root && machine.system === 'debian') {
    const installed =
      machine.run('apt-get', ['update']) &&
      machine.run('apt-get', ['install', '--yes', '--no-install-recommends', name]);
    const fresh = installed ? pathOf(machine, program) : undefined;
    if (fresh !== undefined) return { path: fresh };
  }
  return {
    missing: `${program} is not on PATH and could not be installed (Debian: apt-get install ${name})`,
  };
};

/**
 * The path of a program that a test needs; undefined, and a loud line, where it can't be had: the test is skipped then.
 * Throws instead where `CI` is set, since there nothing may go untested.
 */
export const deployProgram = (
  program: DeployProgram,
  machine: Machine = thisMachine(),
): string | undefined => {
  const result = findDeployProgram(program, machine);
  if ('path' in result) return result.path;
  const { CI } = machine.env;
  if (CI !== undefined && CI !== '') throw new Error(result.missing);
  console.warn(`NOT TESTED: ${result.missing}`);
  return undefined;
};

import type { Machine } from './programs.ts';

/** A Debian on which these files can be executed and every command succeeds; `commands` are those that were run. */
export const shamMachine = (
  files: string[],
  changes: Partial<Machine> = {},
): Machine & { commands: string[] } => {
  const commands: string[] = [];
  return {
    env: { PATH: '/usr/bin:/opt/bin' },
    root: false,
    system: 'debian',
    cache: '/cache',
    executable: (path) => files.includes(path),
    run(command, args) {
      commands.push([command, ...args].join(' '));
      return true;
    },
    commands,
    ...changes,
  };
};

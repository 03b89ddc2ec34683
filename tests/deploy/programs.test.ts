import { afterEach, describe, expect, it, vi } from 'vitest';
import { deployProgram, findDeployProgram } from '#tests/support/deploy-programs.ts';
import { shamMachine } from '#tests/support/sham-machine.ts';

describe('programs beside the directory', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are found also where an administrator’s programs are', () => {
    expect(findDeployProgram('caddy', shamMachine(['/usr/bin/caddy']))).toEqual({ path: '/usr/bin/caddy' });
    expect(findDeployProgram('nginx', shamMachine(['/usr/sbin/nginx']))).toEqual({ path: '/usr/sbin/nginx' });
  });

  it('are installed by root on Debian, from the package that has them', () => {
    const files: string[] = [];
    const bare = shamMachine(files, { root: true });
    const run = bare.run.bind(bare);
    bare.run = (command, args) => {
      if (args[0] === 'install') files.push('/usr/bin/turnserver');
      return run(command, args);
    };
    expect(findDeployProgram('turnserver', bare)).toEqual({ path: '/usr/bin/turnserver' });
    expect(bare.commands).toEqual(['apt-get update', 'apt-get install --yes --no-install-recommends coturn']);
  });

  it.each([
    ['another user', {}],
    ['another system', { root: true, system: 'ubuntu' }],
    ['a failing package manager', { root: true, run: () => false }],
  ])('leave a test untested with %s, which is said aloud and fails under CI', (_who, changes) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(deployProgram('nginx', shamMachine([], changes))).toBeUndefined();
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^NOT TESTED: nginx .*apt-get install nginx/)]]);
    const env = { PATH: '/usr/bin', CI: 'true' };
    expect(() => deployProgram('nginx', shamMachine([], { ...changes, env }))).toThrow(
      'apt-get install nginx',
    );
  });
});

import { expect, test } from 'vitest';
import { findChromium, findFirefox, findRedisServer } from '#tests/support/programs.ts';
import { shamMachine } from '#tests/support/sham-machine.ts';

test('the browser named by CHROMIUM_PATH comes first', () => {
  const env = { PATH: '/usr/bin', CHROMIUM_PATH: '/my/chromium' };
  expect(findChromium(shamMachine(['/my/chromium', '/usr/bin/chromium'], { env }))).toBe('/my/chromium');
});

test('a wrong CHROMIUM_PATH is an error and not passed over', () => {
  const env = { PATH: '/usr/bin', CHROMIUM_PATH: '/my/chromium' };
  expect(() => findChromium(shamMachine(['/usr/bin/chromium'], { env }))).toThrow('CHROMIUM_PATH');
});

test('PATH is searched in order', () => {
  const files = ['/opt/bin/chromium', '/usr/bin/google-chrome'];
  expect(findChromium(shamMachine(files))).toBe('/usr/bin/google-chrome');
});

test.each([
  ['chromium', findChromium],
  ['firefox-esr', findFirefox],
  ['redis-server', findRedisServer],
])('root on Debian gets the package of %s', (program, find) => {
  const files: string[] = [];
  const bare = shamMachine(files, { root: true });
  const run = bare.run.bind(bare);
  bare.run = (command, args) => {
    if (args[0] === 'install') files.push(`/usr/bin/${program}`);
    return run(command, args);
  };
  expect(find(bare)).toBe(`/usr/bin/${program}`);
  expect(bare.commands).toEqual([
    'apt-get update',
    `apt-get install --yes --no-install-recommends ${program}`,
  ]);
});

test.each([
  ['another user', { root: false }],
  ['another system', { root: true, system: 'ubuntu' }],
  ['a failing package manager', { root: true, run: () => false }],
])('%s gets a sentence that says what to do', (_who, changes) => {
  const bare = shamMachine([], changes);
  expect(() => findChromium(bare)).toThrow(/install it.*CHROMIUM_PATH/);
  expect(() => findFirefox(bare)).toThrow(/install it.*firefox-esr/);
  expect(() => findRedisServer(bare)).toThrow(/install it.*redis-server/);
});

import { expect, test, vi } from 'vitest';
import { findMongo, mongoToBeHad, type Build } from '#tests/support/mongo-program.ts';
import type { Machine } from '#tests/support/programs.ts';
import { shamMachine } from '#tests/support/sham-machine.ts';

const cached = '/cache/hourglass/ferretdb-v1.24.1/ferretdb';

const machine = (files: string[], env: Machine['env'] = {}): Machine =>
  shamMachine(files, { env: { PATH: '/usr/bin:/opt/bin', ...env }, run: () => false });

const never: Build = () => {
  throw new Error('nothing is to be built');
};

test('a server that runs comes first, then mongod, then the FerretDB of the cache', () => {
  const files = ['/opt/bin/mongod', cached];
  const url = 'mongodb://127.0.0.1/test';
  expect(findMongo(machine(files, { MONGODB_URL: url }), never)).toEqual({ kind: 'running', url });
  expect(findMongo(machine(files), never)).toEqual({ kind: 'mongod', path: '/opt/bin/mongod' });
  expect(findMongo(machine([cached]), never)).toEqual({ kind: 'ferretdb', path: cached });
});

test('Go builds FerretDB into the cache', () => {
  const builds: string[][] = [];
  const build: Build = (...args) => builds.push(args) > 0;
  expect(findMongo(machine(['/usr/bin/go']), build)).toEqual({ kind: 'ferretdb', path: cached });
  expect(builds).toEqual([['/usr/bin/go', cached]]);
});

test('where none is to be had, one line says so, and under CI it is an error', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  try {
    expect(mongoToBeHad(machine([]), never)).toBe(false);
    expect(mongoToBeHad(machine(['/usr/bin/go']), () => false)).toBe(false);
    expect(warn).toHaveBeenCalledTimes(2);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('NOT TESTED'));
    expect(() => mongoToBeHad(machine([], { CI: 'true' }), never)).toThrow('NOT TESTED');
  } finally {
    warn.mockRestore();
  }
});

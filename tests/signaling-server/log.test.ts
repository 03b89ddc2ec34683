import { describe, expect, it } from 'vitest';
import { createLog, withoutAddresses } from '#server/log.ts';
import { RemoteError } from '#shared/errors.ts';

const logged = (write: (log: ReturnType<typeof createLog>) => void): string => {
  let lines = '';
  write(createLog('debug', { write: (line: string) => void (lines += line) }));
  return lines;
};

describe('the log', () => {
  it('names no machine and no process', () => {
    const line = JSON.parse(
      logged((log) => {
        log.info({ nodes: 3 }, 'consensus');
      }),
    ) as object;
    expect(Object.keys(line).sort()).toEqual(['level', 'msg', 'nodes', 'time']);
  });

  it('gives an error its code', () => {
    const line = logged((log) => {
      log.error({ err: new RemoteError('stale') }, 'refused');
    });
    expect(JSON.parse(line)).toMatchObject({ err: { code: 'stale' } });
  });

  it('drops fields that may tell of a person', () => {
    const line = logged((log) => {
      log.info({ ip: 'x', headers: { a: 1 }, link: { remoteAddress: 'y', id: 4 }, url: '/#secret' }, 'm');
    });
    expect(JSON.parse(line)).toMatchObject({ link: { id: 4 } });
    expect(line).not.toMatch(/remoteAddress|headers|"ip"|secret/);
  });

  it.each([
    ['read ECONNRESET 203.0.113.7:4711', 'read ECONNRESET [address]:4711'],
    ['from ::ffff:203.0.113.7', 'from [address][address]'],
    ['connect 2001:db8::1 failed', 'connect [address] failed'],
    ['[fe80::1%eth0]:80', '[[address]%eth0]:80'],
  ])('takes the address out of %j', (said, kept) => {
    expect(withoutAddresses(said)).toBe(kept);
    expect(
      logged((log) => {
        log.info(said);
      }),
    ).not.toMatch(/203\.0|2001:|fe80/);
  });

  it.each(['{"level":30,"time":1800000000000,"msg":"a: b"}', 'version 1.2.3', 'at file:///a/b.ts:12:34'])(
    'leaves %j alone',
    (said) => {
      expect(withoutAddresses(said)).toBe(said);
    },
  );
});

import { describe, expect, it } from 'vitest';
import { readConfig } from '#server/config.ts';
import { EXIT_CONFIG, StartError } from '#server/start-error.ts';

const refusalOf = (env: Record<string, string>): StartError => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof StartError) return error;
  }
  throw new Error('the settings were taken');
};

describe('settings', () => {
  it('have defaults for a machine of one’s own', () => {
    expect(readConfig({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      dataDir: './data',
      webDir: './dist/web',
      localRelays: 6,
      consensusMs: 60_000,
      consensusChangeMs: 2_000,
      heartbeatTtlMs: 90_000,
      directoryHops: 1,
      registrationDelayMs: 0,
      iceServers: [],
      candidates: 'all',
      maxLinks: 4_096,
      maxNodes: 10_000,
      maxDescriptors: 100_000,
      logLevel: 'info',
    });
  });

  it('come from the environment, where an empty one is none', () => {
    const config = readConfig({
      HG_PORT: '0',
      HG_HOST: '::1',
      HG_DATA_DIR: '',
      HG_DIRECTORY_HOPS: '4',
      HG_ICE_SERVERS:
        '[{"urls":["stun:stun.example.org:3478"]},{"urls":"turn:t","username":"u","credential":"c"}]',
      HG_LOG_LEVEL: 'silent',
      PATH: '/bin',
    });
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      dataDir: './data',
      directoryHops: 4,
      logLevel: 'silent',
    });
    expect(config.iceServers).toEqual([
      { urls: ['stun:stun.example.org:3478'] },
      { urls: 'turn:t', username: 'u', credential: 'c' },
    ]);
  });

  it('are refused all at once, in a table', () => {
    const { message, exitCode } = refusalOf({
      HG_PORT: '99999',
      HG_CONSENSUS_MS: 'often',
      HG_LOG_LEVEL: 'loud',
      HG_HOST: 'my host',
    });
    expect(exitCode).toBe(EXIT_CONFIG);
    expect(message.split('\n').map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['These settings cannot be used:'],
      ['Variable', 'Value', 'Problem'],
      ['HG_PORT', '99999', 'is at most 65535'],
      ['HG_HOST', 'my host', 'is a host name or an address'],
      ['HG_CONSENSUS_MS', 'often', 'is a whole number'],
      ['HG_LOG_LEVEL', 'loud', expect.stringContaining('is one of trace')],
    ]);
  });

  it.each([
    ['{', 'is not JSON'],
    ['{}', 'is a JSON list'],
    ['[{"urls":"http://example.org","credential":"hunter2"}]', 'begins with stun:'],
    ['[{"urls":"turn:example.org","password":"hunter2"}]', 'password'],
  ])('refuse the ICE servers %s without repeating a secret', (value, problem) => {
    const { message } = refusalOf({ HG_ICE_SERVERS: value });
    expect(message).toContain('HG_ICE_SERVERS');
    expect(message).toContain(problem);
    expect(message).not.toContain('hunter2');
  });
});

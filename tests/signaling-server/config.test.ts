import { describe, expect, it } from 'vitest';
import { readConfig, shownSettings } from '#server/config.ts';
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
      keysFile: 'data/directory-keys.json',
      redisUrls: [],
      mongodbUrl: undefined,
      webDir: './dist/web',
      localRelays: 6,
      consensusMs: 60_000,
      consensusChangeMs: 2_000,
      heartbeatTtlMs: 90_000,
      directoryHops: 4,
      registrationDelayMs: 300_000,
      iceServers: [],
      turn: undefined,
      publicUrl: undefined,
      metrics: { port: 0, host: '127.0.0.1' },
      drainMs: 0,
      candidates: 'all',
      maxLinks: 4_096,
      maxServerLinks: 512,
      maxNodes: 10_000,
      maxDescriptors: 100_000,
      admissionWorkBits: 24,
      epochs: { epochMs: 3_600_000, slotMs: 300_000, graceMs: 600_000 },
      contribution: 'auto',
      localAuditor: true,
      auditorKeys: [],
      logLevel: 'info',
    });
  });

  it('come from the environment, where an empty one is none', () => {
    const config = readConfig({
      HG_PORT: '0',
      HG_HOST: '::1',
      HG_DATA_DIR: '',
      HG_DIRECTORY_HOPS: '2',
      HG_ICE_SERVERS:
        '[{"urls":["stun:stun.example.org:3478"]},{"urls":"turn:t","username":"u","credential":"c"}]',
      HG_LOG_LEVEL: 'silent',
      PATH: '/bin',
    });
    expect(config).toMatchObject({
      port: 0,
      host: '::1',
      dataDir: './data',
      directoryHops: 2,
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

  it('of a shared directory are lists, addresses and files', () => {
    expect(
      readConfig({
        HG_KEYS_FILE: 'secrets/keys.json',
        HG_REDIS_URL: 'redis://one:6379, rediss://two:6379,',
        HG_MONGODB_URL: 'mongodb://one,two/hourglass?replicaSet=rs',
        HG_TURN_URLS: 'turn:turn.example.org,turns:turn.example.org:443?transport=tcp',
        HG_TURN_SECRET: 'sixteen letters.',
        HG_TURN_TTL_S: '60',
        HG_PUBLIC_URL: 'https://chat.example.org/',
        HG_METRICS_PORT: '9100',
        HG_METRICS_HOST: '::',
        HG_DRAIN_MS: '5000',
      }),
    ).toMatchObject({
      keysFile: 'secrets/keys.json',
      redisUrls: ['redis://one:6379', 'rediss://two:6379'],
      mongodbUrl: 'mongodb://one,two/hourglass?replicaSet=rs',
      turn: {
        urls: ['turn:turn.example.org', 'turns:turn.example.org:443?transport=tcp'],
        secret: 'sixteen letters.',
        ttlS: 60,
      },
      publicUrl: 'https://chat.example.org',
      metrics: { port: 9100, host: '::' },
      drainMs: 5_000,
    });
  });

  it.each([
    [{ HG_TURN_URLS: 'turn:t' }, 'HG_TURN_SECRET', 'is needed with HG_TURN_URLS'],
    [{ HG_TURN_SECRET: 'sixteen letters.' }, 'HG_TURN_URLS', 'is needed with HG_TURN_SECRET'],
    [{ HG_TURN_URLS: 'turn:t', HG_TURN_SECRET: 'hunter2' }, 'HG_TURN_SECRET', 'has at least 16 characters'],
    [{ HG_REDIS_URL: 'redis://a,hunter2@b' }, 'HG_REDIS_URL', 'each begins with redis://'],
    [{ HG_MONGODB_URL: 'mongo://u:hunter2@b' }, 'HG_MONGODB_URL', 'begins with mongodb://'],
    [{ HG_PUBLIC_URL: 'https://u:hunter2@b' }, 'HG_PUBLIC_URL', 'is an address such as'],
    [{ HG_PUBLIC_URL: 'https://chat.example.org/app' }, 'HG_PUBLIC_URL', 'without a path'],
    [{ HG_PUBLIC_URL: 'chat.example.org' }, 'HG_PUBLIC_URL', 'is an address such as'],
  ])('refuse %j, and repeat no secret', (env, variable, problem) => {
    const { message } = refusalOf(env as Record<string, string>);
    const lines = message.split('\n').slice(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(` ${variable} `);
    expect(lines[0]).toContain(problem);
    expect(message).not.toContain('hunter2');
  });

  it('refuse a half of TURN together with everything else', () => {
    const { message } = refusalOf({ HG_TURN_URLS: 'turn:t', HG_PORT: 'http', HG_REDIS_URL: 'http://b' });
    const named = message.split('\n').slice(2);
    expect(named.map((line) => line.trim().split(' ')[0])).toEqual([
      'HG_PORT',
      'HG_REDIS_URL',
      'HG_TURN_SECRET',
    ]);
  });

  it('are shown without their secrets', () => {
    const env = {
      HG_PORT: '81',
      HG_DATA_DIR: '',
      HG_REDIS_URL: 'redis://:hunter2@one,rediss://u:hunter2@two:1/0?password=hunter2',
      HG_MONGODB_URL: 'mongodb://u:hunter2,@one,two/db?tlsCertificateKeyFilePassword=hunter2',
      HG_TURN_SECRET: 'hunter2hunter2hunter2',
      HG_TURN_URLS: 'turn:t',
      HG_ICE_SERVERS: '[{"urls":"turn:t","username":"u","credential":"hunter2"},{"urls":"stun:s"}]',
      PATH: '/bin',
    };
    readConfig(env);
    const shown = shownSettings(env);
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown.every(([name]) => name.startsWith('HG_'))).toBe(true);
    expect(Object.fromEntries(shown)).toMatchObject({
      HG_PORT: '81',
      HG_DATA_DIR: './data',
      HG_KEYS_FILE: '',
      HG_REDIS_URL: 'redis://(hidden)@one,rediss://(hidden)@two:1/0?(hidden)',
      HG_MONGODB_URL: 'mongodb://(hidden)@one,two/db?(hidden)',
      HG_TURN_SECRET: '(hidden)',
      HG_ICE_SERVERS: '[{"urls":"turn:t","username":"u","credential":"(hidden)"},{"urls":"stun:s"}]',
    });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#server/clock.ts';
import { readConfig } from '#server/config.ts';
import type { Outcome } from '#server/doctor-check.ts';
import { iceChecks, StunClient } from '#server/doctor-turn.ts';
import { attribute, errorNumber, messageType, type LongTerm } from '#server/stun.ts';
import { turnServer } from '#server/turn.ts';
import type { IceServer } from '#server/values.ts';
import { deployProgram } from '#tests/support/deploy-programs.ts';
import { freePort, Service } from '#tests/support/stores.ts';
import { spawnServer } from '#tests/support/server-process.ts';

const conf = join(import.meta.dirname, '../../deploy/turnserver.conf');
const SECRET = 'a secret that coturn knows';
const EARLIER = 'a secret that it also knows';
const { now } = systemClock;

/** RFC 8656 sections 9 and 18.3: asks whether the client may send to a peer, here an IPv4 address. */
const createPermission = 0x0008;
const peerAddress = (address: string): [number, Uint8Array] => {
  const cookie = [0x21, 0x12, 0xa4, 0x42];
  const bytes = address.split('.').map((each, at) => Number(each) ^ (cookie[at] ?? 0));
  return [0x0012, Uint8Array.of(0, 1, 0x21, 0x12, ...bytes)];
};

describe('coturn with deploy/turnserver.conf', () => {
  const program = deployProgram('turnserver');
  const tried = it.skipIf(program === undefined);
  let coturn: Service;
  let url: string;

  beforeAll(async () => {
    if (program === undefined) return;
    coturn = await Service.start(program, (port, folder) => [
      ...['-c', conf, `--static-auth-secret=${SECRET}`, `--static-auth-secret=${EARLIER}`],
      ...[`--listening-port=${String(port)}`, '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1'],
      ...[`--pidfile=${folder}/pid`, `--userdb=${folder}/turndb`, `--log-file=${folder}/log`],
    ]);
    url = `turn:127.0.0.1:${String(coturn.port)}`;
  });
  afterAll(() => coturn?.stop());

  const outcomes = (config: Partial<Parameters<typeof iceChecks>[0]>): Promise<Outcome[]> =>
    Promise.all(iceChecks({ ...readConfig({}), ...config }, now).map(({ run }) => run()));

  tried('takes the credentials that the server hands to clients', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hourglass-turn-'));
    const env = { HG_PORT: '0', HG_DATA_DIR: dataDir, HG_TURN_URLS: url, HG_TURN_SECRET: SECRET };
    const server = await spawnServer(env);
    const answer = await fetch(`http://127.0.0.1:${String(server.port)}/client.json`);
    const { iceServers } = (await answer.json()) as { iceServers: IceServer[] };
    expect(iceServers).toHaveLength(1);
    expect(await outcomes({ iceServers })).toEqual([
      { state: 'ok', said: expect.stringMatching(/^relays/) as string },
    ]);
    await server.end('SIGTERM');
    rmSync(dataDir, { recursive: true });
  });

  tried('takes those of either secret while one follows the other', async () => {
    for (const secret of [SECRET, EARLIER])
      expect(await outcomes({ turn: { urls: [url], secret, ttlS: 60 } })).toMatchObject([{ state: 'ok' }]);
  });

  tried('takes no other ones', async () => {
    const wrong = { urls: [url], secret: 'a secret it has not', ttlS: 60 };
    const [other] = await outcomes({ turn: wrong });
    expect(other?.state).toBe('failed');
    expect(other?.said).toContain('HG_TURN_SECRET has to be its static-auth-secret');
    // As they were an hour and a second ago.
    const past = turnServer({ urls: [url], secret: SECRET, ttlS: 3_600 }, now() - 3_601_000);
    expect(await outcomes({ iceServers: [past] })).toMatchObject([{ state: 'failed' }]);
    expect(await outcomes({ iceServers: [{ urls: url }] })).toMatchObject([{ state: 'failed' }]);
  });

  tried('tells who asks where he is seen', async () => {
    const stun = url.replace('turn:', 'stun:');
    expect(await outcomes({ iceServers: [{ urls: [stun] }] })).toMatchObject([{ state: 'ok' }]);
  });

  tried('relays into no network that is not public', async () => {
    const client = await StunClient.open('127.0.0.1', coturn.port);
    const wish: [number, Uint8Array][] = [[attribute.requestedTransport, Uint8Array.of(17, 0, 0, 0)]];
    const refused = await client.ask(messageType.allocate, wish);
    const [realm, nonce] = [attribute.realm, attribute.nonce].map((type) => refused?.attributes.get(type));
    const { username, credential: password } = turnServer({ urls: [url], secret: SECRET, ttlS: 60 }, now());
    if (!realm || !nonce) throw new Error('coturn names no realm');
    const credential: LongTerm = { username, password, realm, nonce };
    expect(await client.ask(messageType.allocate, wish, credential)).toMatchObject({ type: 0x0103 });
    const codeFor = async (address: string): Promise<number | undefined> => {
      const answer = await client.ask(createPermission, [peerAddress(address)], credential);
      return answer && errorNumber(answer);
    };
    expect(await codeFor('9.9.9.9')).toBe(0);
    const inner = [
      '10.1.2.3',
      '127.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
    ];
    for (const address of inner) expect([address, await codeFor(address)]).toEqual([address, 403]);
    client.close();
  });
});

describe('without a TURN server', () => {
  it('the doctor says what is missing', async () => {
    const silent = `turn:127.0.0.1:${String(await freePort())}`;
    const checks = iceChecks(
      readConfig({
        HG_ICE_SERVERS:
          '[{"urls":["stun:a.example","turns:turn.example.org","turn:turn.example.org?transport=tcp"]}]',
        HG_TURN_URLS: silent,
        HG_TURN_SECRET: SECRET,
      }),
      now,
    );
    expect(checks.map(({ name }) => name)).toEqual([
      'stun:a.example',
      'turns:turn.example.org',
      'turn:turn.example.org?transport=tcp',
      silent,
    ]);
    const [, tls, tcp, none] = checks;
    expect(await tls?.run()).toEqual({ state: 'skipped', said: 'only UDP is tried' });
    expect(await tcp?.run()).toEqual({ state: 'skipped', said: 'only UDP is tried' });
    expect(await none?.run()).toMatchObject({
      state: 'failed',
      said: expect.stringContaining('no answer by UDP') as string,
    });
  });

  it('the doctor says that none is set', async () => {
    const [check] = iceChecks(readConfig({}), now);
    expect(await check?.run()).toMatchObject({ state: 'skipped' });
  });
});

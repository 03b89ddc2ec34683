import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '#server/config.ts';

const root = join(import.meta.dirname, '../..');

type Service = {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  profiles?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  configs?: { source: string }[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
};
type Compose = {
  services: Record<string, Service>;
  volumes: Record<string, null>;
  networks: Record<string, { internal?: boolean } | null>;
  configs: Record<string, { content: string }>;
};

const compose = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);

/** As Compose fills in variables of which none is set. */
const unset = (value: string): string =>
  value.replace(/\$\{\w+:-([^}]*)\}/g, (_, fallback: string) => fallback).replaceAll('$$', '$');

describe('compose.yaml', () => {
  it('has every service, in its profile', () => {
    expect(services.map(([name, { profiles }]) => [name, profiles?.join() ?? ''])).toEqual([
      ['server', ''],
      ['relays', ''],
      ['redis', ''],
      ['mongo', ''],
      ['caddy', 'tls'],
      ['coturn', 'turn'],
      ['prometheus', 'metrics'],
      ['grafana', 'metrics'],
    ]);
  });

  it.each(services)('lets %s do no more than it must', (name, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.cap_add ?? []).toEqual(name === 'caddy' ? ['NET_BIND_SERVICE'] : []);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.image).toMatch(/^hourglass:local$|:v?\d+\.\d+\.\d+(-[a-z]+)?$/);
  });

  it.each(services.filter(([name]) => name !== 'relays'))('knows whether %s is well', (_name, service) => {
    expect(service.healthcheck?.test?.[0]).toBe('CMD');
  });

  it('shows to other machines what is meant for them alone', () => {
    const shown = services.flatMap(([name, { ports = [] }]) =>
      ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`),
    );
    expect(shown).toEqual(['caddy 80:80', 'caddy 443:443', 'caddy 443:443/udp']);
    expect(compose.networks['stores']).toEqual({ internal: true });
    for (const name of ['redis', 'mongo']) expect(compose.services[name]?.networks).toEqual(['stores']);
  });

  it('names nothing that is not there', () => {
    for (const [, service] of services) {
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) expect(existsSync(join(root, source)), source).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const network of service.networks ?? []) expect(Object.keys(compose.networks)).toContain(network);
      for (const { source } of service.configs ?? [])
        expect(() => void parse(compose.configs[source]?.content ?? '}')).not.toThrow();
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[other]?.healthcheck?.test).toBeDefined();
      }
    }
  });

  it('gives the server settings that it takes', () => {
    const env = Object.entries(compose.services['server']?.environment ?? {});
    const config = readConfig(Object.fromEntries(env.map(([name, value]) => [name, unset(value)])));
    expect(config).toMatchObject({
      port: 8080,
      redisUrls: ['redis://redis:6379'],
      mongodbUrl: 'mongodb://mongo:27017/hourglass',
      dataDir: '/data',
      drainMs: 5_000,
    });
    const { scrape_configs: jobs } = parse(readFileSync(join(root, 'deploy/prometheus.yml'), 'utf8')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    expect(jobs[0]?.static_configs[0]?.targets).toEqual([`server:${String(config.metrics.port)}`]);
  });

  it('has relays name one family, whichever is first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hourglass-compose-'));
    const script = unset(compose.services['relays']?.command?.[0] ?? '')
      .replaceAll('/data', folder)
      .replaceAll('cd /app', ':')
      .replace('exec node', 'echo');
    const run = (): string =>
      execFileSync('/bin/sh', ['-euc', script], {
        env: { ...process.env, DIRECTORY: 'http://d' },
      }).toString();
    const first = run();
    expect(first).toMatch(/^relay\/main\.ts --directory http:\/\/d --family [0-9a-f]{64}\n$/);
    expect(run()).toBe(first);
    expect(readdirSync(folder)).toEqual(['family']);
    rmSync(folder, { recursive: true });
  });

  it('starts no coturn without a secret', () => {
    const script = unset(compose.services['coturn']?.command?.[0] ?? '').replace('exec turnserver', 'echo');
    const run = (HG_TURN_SECRET: string): string =>
      execFileSync('/bin/sh', ['-euc', script], { env: { HG_TURN_SECRET }, stdio: 'pipe' }).toString();
    expect(run('a secret')).toBe('-c /etc/coturn/turnserver.conf --static-auth-secret=a secret\n');
    expect(() => run('')).toThrow('is not set in .env');
  });
});

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics, startMetrics, type Metrics, type MetricsServer } from '#server/metrics.ts';
import { StartError } from '#server/start-error.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

describe('metrics', () => {
  const clock = new VirtualClock();
  let metrics: Metrics;
  let server: MetricsServer;
  let nodes: () => Promise<number | undefined>;
  let consensus: { sequence: number; time: number } | undefined;

  beforeEach(async () => {
    nodes = async () => 12;
    consensus = { sequence: 7, time: clock.now() - 1_500 };
    const made = createMetrics({
      clock,
      links: () => 3,
      passages: () => 2,
      nodes: () => nodes(),
      consensus: () => consensus,
      leads: () => true,
      stores: ['live', 'archive'],
      away: () => ['live'],
    });
    metrics = made.metrics;
    server = await startMetrics({ port: 0, host: '127.0.0.1', registry: made.registry });
  });
  afterEach(() => {
    server.stop();
  });

  const get = (path = '/metrics', method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${String(server.port)}${path}`, { method });
  const lines = async (): Promise<string[]> => (await (await get()).text()).split('\n');

  it('say how the directory is', async () => {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'hourglass_links 3',
        'hourglass_nodes 12',
        'hourglass_leader 1',
        'hourglass_consensus_sequence 7',
        'hourglass_consensus_age_seconds 1.5',
        'hourglass_store_away{store="live"} 1',
        'hourglass_store_away{store="archive"} 0',
        expect.stringMatching(/^hourglass_nodejs_eventloop_lag_p99_seconds \d/),
        expect.stringMatching(/^hourglass_process_resident_memory_bytes \d/),
      ]),
    );
  });

  it('count requests by kind and code, and how long they took', async () => {
    metrics.requestAnswered('heartbeat', 'none', 20);
    metrics.requestAnswered('heartbeat', 'none', 2_000);
    metrics.requestAnswered('register', 'too-many', 1);
    metrics.refused('link', 'too-many');
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'hourglass_requests_total{type="heartbeat",code="none"} 2',
        'hourglass_requests_total{type="register",code="too-many"} 1',
        'hourglass_request_seconds_bucket{le="0.025",type="heartbeat"} 1',
        'hourglass_request_seconds_bucket{le="2.5",type="heartbeat"} 2',
        'hourglass_refused_total{where="link",code="too-many"} 1',
      ]),
    );
  });

  it('hold nothing of anybody in a label', async () => {
    metrics.requestAnswered('192.0.2.7', '2001:db8::7', 1);
    metrics.refused('a'.repeat(33), '');
    const text = (await lines()).join('\n');
    expect(text).toContain('hourglass_requests_total{type="other",code="other"} 1');
    expect(text).toContain('hourglass_refused_total{where="other",code="other"} 1');
    expect(text).not.toMatch(/192\.0\.2|2001:db8|aaaa/);
  });

  it('are served also while the stores are away', async () => {
    nodes = () => Promise.reject(new Error('away'));
    consensus = undefined;
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'hourglass_nodes Nan',
        'hourglass_consensus_age_seconds Nan',
        'hourglass_links 3',
      ]),
    );
  });

  it('are the only thing on their port', async () => {
    expect((await get('/')).status).toBe(404);
    expect((await get('/client.json')).status).toBe(404);
    expect((await get('/metrics', 'POST')).status).toBe(405);
  });

  it('say which settings to change when their port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { registry } = createMetrics({
      ...{ clock, links: () => 0, passages: () => 0, nodes, consensus: () => undefined, leads: () => false },
      ...{ stores: [], away: () => [] },
    });
    const refused = startMetrics({ port, host: '127.0.0.1', registry });
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow('HG_METRICS_PORT');
    other.close();
  });
});

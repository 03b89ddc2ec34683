import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientApi, ClientEvent } from '#web/api.ts';
import { ClientError, connectClient, serveClient } from '#web/rpc.ts';
import type { Port } from '#web/rpc.ts';
import { FakeClient } from '#tests/support/fake-client.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

function pair(): { near: Port; far: Port } {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  return { near: port1 as unknown as Port, far: port2 as unknown as Port };
}

function connect(served: Partial<ClientApi> = {}) {
  const { near, far } = pair();
  const fake = new FakeClient('empty');
  const api: ClientApi = Object.assign(fake.api, served);
  const end = serveClient(far, api, fake.events);
  return { fake, end, near, ...connectClient(near) };
}

describe('rpc', () => {
  it('answers a call with the result of the method', async () => {
    const { client } = connect();
    expect((await client.state()).profile.started).toBe(false);
    await client.start({ name: 'Ondine' });
    expect((await client.state()).profile).toMatchObject({ name: 'Ondine', started: true });
  });

  it('keeps answers apart when they come out of order', async () => {
    const { client } = connect({
      messages: async (conversation) => {
        if (conversation === 'slow') await new Promise((resolve) => setTimeout(resolve, 20));
        return [{ id: conversation } as never];
      },
    });
    const [slow, quick] = await Promise.all([client.messages('slow'), client.messages('quick')]);
    expect([slow[0]?.id, quick[0]?.id]).toEqual(['slow', 'quick']);
  });

  it('carries an error as its code and message', async () => {
    const { client } = connect({
      connect: () =>
        Promise.reject(Object.assign(new Error('No answer from there.'), { code: 'unreachable' })),
      disconnect: () => {
        throw new Error('before any await');
      },
    });
    const failed = await client.connect('00').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ClientError);
    expect(failed).toMatchObject({ code: 'unreachable', message: 'No answer from there.' });
    await expect(client.disconnect('00')).rejects.toMatchObject({ code: 'internal' });
  });

  it('delivers events to every listener until it unsubscribes, in order with answers', async () => {
    const { client, events, end } = connect();
    const seen: ClientEvent['type'][] = [];
    const unsubscribe = events((event) => seen.push(event.type));
    await client.setRelaying(false);
    expect(seen).toContain('settings');
    unsubscribe();
    seen.length = 0;
    await client.setRelaying(true);
    expect(seen).toEqual([]);
    end();
  });

  it('ignores calls that are not of the API, and malformed ones', async () => {
    const { client, near } = connect();
    const answers: unknown[] = [];
    near.addEventListener('message', ({ data }) => answers.push(data));
    for (const data of [
      { call: 1001, method: 'constructor', args: [] },
      { call: 1002, method: 'toString', args: [] },
      { call: 1003, method: 'state' },
      { call: 'x', method: 'state', args: [] },
      null,
      7,
    ])
      near.postMessage(data);
    await client.state();
    expect(answers).toHaveLength(1);
  });
});

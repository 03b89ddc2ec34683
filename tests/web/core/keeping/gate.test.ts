import { describe, expect, it } from 'vitest';
import type { Driver } from '#shared/driver/driver.ts';
import type { AskPurpose } from '#shared/directory/purposes.ts';
import { LocalError } from '#shared/errors.ts';
import { Network } from '#web/core/network.ts';

/** A network over a driver that takes inputs and answers none. */
const networkOf = (): { network: Network; given: unknown[] } => {
  const given: unknown[] = [];
  const driver = { input: (input: unknown) => void given.push(input) } as unknown as Driver;
  return { network: new Network(() => driver), given };
};

const get = { type: 'get-record', recordId: new Uint8Array(32) } as const;

describe('a client whose user went on elsewhere', () => {
  it('neither reaches contacts, nor says where it is, nor takes mail', async () => {
    const { network, given } = networkOf();
    network.permit = () => Promise.reject(new LocalError('moved'));
    await expect(network.connect([], () => undefined)).rejects.toMatchObject({ code: 'moved' });
    for (const purpose of ['publish', 'ahead', 'mailbox', 'handle'] as AskPurpose[]) {
      await expect(network.ask(purpose, get as never)).rejects.toMatchObject({ code: 'moved' });
      await expect(network.askBound(purpose, () => get as never)).rejects.toMatchObject({ code: 'moved' });
    }
    expect(given).toEqual([]);
  });

  it('can ask whether that is so', () => {
    const { network, given } = networkOf();
    network.permit = () => Promise.reject(new LocalError('moved'));
    network.ask('record', get).catch(() => undefined);
    network.ask('lookup', get as never).catch(() => undefined);
    expect(given).toHaveLength(2);
    network.stop();
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { requestCodec, responseCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import type { RequestFor } from '#shared/directory/purposes.ts';
import type { Driver } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import { Network } from '#web/core/network.ts';
import { idOf, seed } from '#tests/support/sample-network.ts';

type Ask = Extract<Extract<Input, { type: 'command' }>['command'], { type: 'ask' }>;

let asks: Ask[];
let network: Network;

const answer = (at: number, response: DirectoryResponse, exit?: string): void => {
  const { handle = 0 } = asks[at] ?? {};
  const result = { body: encode(responseCodec, response) };
  network.onEvent({ type: 'answered', handle, result, exit: exit === undefined ? undefined : idOf(exit) });
};
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

beforeEach(() => {
  asks = [];
  const input = (given: Input): void => {
    if (given.type === 'command' && given.command.type === 'ask') asks.push(given.command);
  };
  network = new Network(() => ({ input }) as unknown as Driver);
});

describe('what is asked of the directory', () => {
  it('twice, goes by two exits, one after the other, and the answers come as they are', async () => {
    const both = network.fetchTwice('leaves', { type: 'leaves', epoch: 7 });
    answer(0, { type: 'error', code: 'not-found' }, 'first');
    await turn();
    expect(asks.map(({ purpose, exitNot }) => [purpose, exitNot])).toEqual([
      ['leaves', undefined],
      ['leaves', idOf('first')],
    ]);
    expect(asks[1]?.body).toEqual(asks[0]?.body);
    answer(1, { type: 'ok' }, 'second');
    const [one, other] = await both;
    expect([decode(responseCodec, one).type, decode(responseCodec, other).type]).toEqual(['error', 'ok']);
  });

  it('twice, is not asked where there is no exit to tell apart', async () => {
    const both = network.fetchTwice('leaves', { type: 'leaves', epoch: 7 });
    answer(0, { type: 'ok' });
    await expect(both).rejects.toMatchObject({ name: 'RemoteError', code: 'too-small-network' });
    expect(asks).toHaveLength(1);
  });

  it('with work, is made of the work that is found', async () => {
    const request = (work: number): RequestFor<'tokens'> => ({
      type: 'issue',
      payment: { type: 'work', work },
      blinded: [seed('element')],
    });
    const asked = network.askWithWork('tokens', { challenge: (binding) => binding, request });
    const [{ body, challenge } = { body: undefined, challenge: undefined }] = asks;
    if (typeof body !== 'function') throw new Error('it is not made of the work');
    expect(decode(requestCodec, body(seed('circuit'), 99))).toEqual(request(99));
    expect(challenge?.(seed('circuit'))).toEqual(seed('circuit'));
    answer(0, { type: 'error', code: 'try-later' });
    await expect(asked).rejects.toMatchObject({ code: 'try-later' });
  });
});

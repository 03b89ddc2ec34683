import { beforeEach, describe, expect, it } from 'vitest';
import { encode } from '#shared/bytes/codec.ts';
import { epochStart } from '#shared/contribution/epochs.ts';
import { requestCodec, type DirectoryRequest, type DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError, type Code } from '#shared/errors.ts';
import { Payments } from '#web/core/contribution/payments.ts';
import { Purse } from '#web/core/contribution/purse.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';
import { EPOCH, plan, portsFrom } from './fixture.ts';

const request: DirectoryRequest = { type: 'lookup', descriptorId: new Uint8Array(32).fill(5) };
const ok: DirectoryResponse = { type: 'ok' };

let asked: DirectoryRequest[];
let answers: (DirectoryResponse | Code)[];
let bought: number;
let enforced: boolean;
let purse: Purse;
let payments: Payments;
let clock: VirtualClock;

const batch = (n: number) =>
  Array.from({ length: n }, (_, at) => ({
    epoch: EPOCH,
    input: new Uint8Array(32).fill(at),
    output: new Uint8Array(64),
  }));

beforeEach(() => {
  [asked, answers, bought, enforced] = [[], [], 0, true];
  clock = new VirtualClock(epochStart(EPOCH, plan) + 1);
  purse = new Purse(memoryStore(), []);
  payments = new Payments({
    network: {
      ask: (_, given) => {
        asked.push(given);
        const answer = answers.shift() ?? ok;
        return typeof answer === 'string' ? Promise.reject(new RemoteError(answer)) : Promise.resolve(answer);
      },
    },
    purse,
    ports: portsFrom(clock),
    terms: () => ({ plan, enforced }),
    buy: async () => {
      bought += 1;
      await purse.add(batch(2));
    },
    changed: () => undefined,
  });
});

describe('payments', () => {
  it('wrap the very bytes of a request with a token, and buy some where there are none', async () => {
    expect(await payments.ask('lookup', request)).toEqual(ok);
    await payments.ask('lookup', request);
    expect([bought, purse.size]).toEqual([1, 0]);
    expect(asked.map(({ type }) => type)).toEqual(['paid', 'paid']);
    expect(asked[0]).toMatchObject({ request: encode(requestCodec, request) });
    const inputs = asked.map((each) => (each.type === 'paid' ? each.token.input[0] : undefined));
    expect(new Set(inputs).size).toBe(2);
  });

  it('cost nothing where nothing is asked for', async () => {
    enforced = false;
    await purse.add(batch(1));
    await payments.ask('lookup', request);
    expect([asked, purse.size, bought]).toEqual([[request], 1, 0]);
  });

  it('are made once the directory says that it asks for them', async () => {
    enforced = false;
    answers = ['token-needed'];
    expect(await payments.ask('lookup', request)).toEqual(ok);
    expect(asked.map(({ type }) => type)).toEqual(['lookup', 'paid']);
  });

  it('send the same token with the same bytes again while no answer comes', async () => {
    answers = ['timeout', 'link-lost'];
    const paid = payments.ask('lookup', request);
    await clock.pass(10_000);
    expect(await paid).toEqual(ok);
    expect(asked).toHaveLength(3);
    expect(asked[1]).toEqual(asked[0]);
    expect(asked[2]).toEqual(asked[0]);
    expect(bought).toBe(1);
  });

  it('give up in the end, and at once when the answer is no', async () => {
    answers = ['timeout', 'timeout', 'timeout', 'timeout', 'timeout'];
    const paid = expect(payments.ask('lookup', request)).rejects.toMatchObject({ code: 'timeout' });
    await clock.pass(60_000);
    await paid;
    expect(asked).toHaveLength(5);
    answers = ['replayed'];
    await expect(payments.ask('lookup', request)).rejects.toMatchObject({ code: 'replayed' });
    expect(asked).toHaveLength(6);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { encode, u64 } from '#shared/bytes/codec.ts';
import { CONTACT_BLOB_LENGTH } from '#shared/bytes/fields.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { requestCodec, responseCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { askOver, type AskResult } from '#shared/node/asking.ts';
import { Context } from '#shared/node/context.ts';
import type { DirectoryCircuit } from '#shared/node/directory-circuit.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';
import { rngOf } from './bench.ts';

const binding = seed('circuit');

let context: Context;
let asked: { body: Uint8Array; done: (answer: AskResult) => void }[];
let told: AskResult[];
let giveUp: () => void;

const circuit = {
  binding,
  requestRaw: (body: Uint8Array, done: (answer: AskResult) => void) => void asked.push({ body, done }),
} as unknown as DirectoryCircuit;

const answer = (response: DirectoryResponse): void =>
  asked.at(-1)?.done({ body: encode(responseCodec, response) });
const bodyOf = (given: Uint8Array, work: number): Uint8Array =>
  encode(requestCodec, { type: 'lookup', descriptorId: sha256(concat(given, encode(u64, work))) });
const ask = (challenge?: (binding: Uint8Array) => Uint8Array): void => {
  giveUp = askOver(
    context,
    circuit,
    { purpose: 'lookup', body: bodyOf, challenge },
    (result) => void told.push(result),
  );
};
const outputs = (): unknown[] => context.drain().filter(({ type }) => type !== 'event');

beforeEach(() => {
  context = new Context(rngOf(1), NOW, false);
  [asked, told] = [[], []];
});

describe('a request over a circuit that stands', () => {
  it('is made again with the work that is asked for', () => {
    ask((given) => concat(seed('challenge'), given));
    expect(asked[0]?.body).toEqual(bodyOf(binding, 0));
    answer({ type: 'work', bits: 12 });
    expect(told).toEqual([]);
    const [work] = outputs() as { type: 'work'; job: number }[];
    expect(work).toMatchObject({
      type: 'work',
      task: { challenge: concat(seed('challenge'), binding), bits: 12, from: 1 },
    });
    context.works.done(work?.job ?? 0, 77);
    expect(asked[1]?.body).toEqual(bodyOf(binding, 77));
    answer({ type: 'work', bits: 13 });
    expect(told).toEqual([{ body: encode(responseCodec, { type: 'work', bits: 13 }) }]);
    expect(outputs()).toEqual([]);
  });

  it('is not sent where it is of another purpose, paid for or not', () => {
    const publish = { type: 'publish', blindedKey: seed('key'), period: 1, revision: 1 } as const;
    const body = encode(requestCodec, {
      ...publish,
      blob: new Uint8Array(CONTACT_BLOB_LENGTH),
      signature: new Uint8Array(64),
    });
    const token = { epoch: 1, input: seed('input'), output: new Uint8Array(64) };
    const paid = encode(requestCodec, { type: 'paid', token, request: body });
    for (const each of [body, paid]) {
      askOver(context, circuit, { purpose: 'mailbox', body: each }, (result) => void told.push(result));
    }
    expect(told).toEqual([{ code: 'internal' }, { code: 'internal' }]);
    expect(asked).toEqual([]);
    askOver(context, circuit, { purpose: 'publish', body: paid }, () => undefined);
    expect(asked).toHaveLength(1);
  });

  it('begins no work without a challenge, nor more than anybody has to do', () => {
    ask();
    answer({ type: 'work', bits: 12 });
    expect(told).toHaveLength(1);
    ask(() => binding);
    answer({ type: 'work', bits: 29 });
    expect(told[1]).toEqual({ code: 'refused' });
    expect(outputs()).toEqual([]);
  });

  it('hands on whatever else is answered', () => {
    ask(() => binding);
    asked[0]?.done({ code: 'timeout' });
    asked[0]?.done({ body: Uint8Array.of(255) });
    expect(told).toEqual([{ code: 'timeout' }, { body: Uint8Array.of(255) }]);
  });

  it('gives up a search for a circuit that is gone', () => {
    ask(() => binding);
    giveUp();
    expect(outputs()).toEqual([]);
    answer({ type: 'work', bits: 12 });
    const [work] = outputs() as { job: number }[];
    giveUp();
    expect(outputs()).toEqual([{ type: 'end-work', job: work?.job }]);
    context.works.done(work?.job ?? 0, 77);
    expect(asked).toHaveLength(1);
  });
});

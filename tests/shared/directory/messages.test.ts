import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { CONTACT_BLOB_LENGTH, SEALED_SIGNAL_LENGTH } from '#shared/bytes/fields.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { MOST_ACKNOWLEDGED, signAcknowledge, signCollect } from '#shared/directory/mail.ts';
import {
  MAX_PUSH_BYTES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  pushCodec,
  readPush,
  requestCodec,
  responseCodec,
  signHeartbeat,
  signLeave,
  signRegister,
  verifyHeartbeat,
  verifyLeave,
  verifyRegister,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { signHandle, signRecord } from '#shared/directory/records.ts';
import { expectOnlyRefusals, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { idOf, realNode, seed } from '#tests/support/sample-network.ts';

const node = realNode('ada');
const id = node.descriptor.id;
const binding = seed('binding');
const { secret } = node.keys;
const sealed = new Uint8Array(SEALED_SIGNAL_LENGTH).fill(3);
const published = {
  blindedKey: seed('blinded'),
  period: 20_000,
  revision: 3,
  blob: new Uint8Array(CONTACT_BLOB_LENGTH),
  signature: new Uint8Array(64),
};

const blobs = BLOB_SIZES.map((length) => new Uint8Array(length).fill(7));
const mailIds = Array.from({ length: MOST_ACKNOWLEDGED }, (_, i) => new Uint8Array(16).fill(i));
const records = [new Uint8Array(0), ...blobs].map((blob) =>
  signRecord(node.keys, { slot: 255, revision: 9, blob }),
);
const handle = signHandle(node.keys, { name: 'ada.l', revision: 9, content: new Uint8Array(1024) });

const requests: DirectoryRequest[] = [
  signRegister(secret, binding, node.bytes),
  signHeartbeat(secret, binding, { node: id, epoch: 3, counter: 4, load: 5 }),
  { type: 'listen', reply: new Uint8Array(16) },
  { type: 'signal', to: new Uint8Array(16), sealed },
  { type: 'signal', to: new Uint8Array(32), sealed },
  { type: 'publish', ...published },
  { type: 'lookup', descriptorId: seed('id') },
  { type: 'consensus', after: 7 },
  signLeave(secret, binding, { node: id, counter: 9 }),
  ...blobs.map((blob) => ({ type: 'deposit', mailbox: seed('box'), id: new Uint8Array(16), blob }) as const),
  signCollect(node.keys, binding),
  signAcknowledge(node.keys, binding, []),
  signAcknowledge(node.keys, binding, mailIds),
  ...records.map((record) => ({ type: 'put-record', ...record }) as const),
  { type: 'get-record', recordId: seed('record') },
  { type: 'put-handle', ...handle },
  { type: 'get-handle', name: 'ada.l' },
];

const responses: DirectoryResponse[] = [
  { type: 'ok' },
  { type: 'error', code: 'not-registered' },
  { type: 'descriptor', ...published },
  { type: 'consensus', bytes: new Uint8Array(70_000) },
  { type: 'mail', state: { more: false, woken: true }, messages: [] },
  {
    type: 'mail',
    state: { more: true, woken: false },
    messages: [0, 1, 2, 2].map((size) => ({ id: new Uint8Array(16), blob: blobs[size] ?? sealed })),
  },
  ...records.map((record) => ({ type: 'record', ...record }) as const),
  { type: 'handle', ...handle },
  { type: 'work', bits: 24 },
];

describe('the messages of the directory', () => {
  it('come back as they were', () => {
    for (const request of requests) {
      const bytes = encode(requestCodec, request);
      expect(decode(requestCodec, bytes)).toEqual(request);
      expect(bytes.length).toBeLessThanOrEqual(MAX_REQUEST_BYTES);
    }
    for (const response of responses) {
      const bytes = encode(responseCodec, response);
      expect(decode(responseCodec, bytes)).toEqual(response);
      expect(bytes.length).toBeLessThanOrEqual(MAX_RESPONSE_BYTES);
    }
    const push = encode(pushCodec, { type: 'signal', sealed });
    expect(push).toHaveLength(MAX_PUSH_BYTES);
    expect(decode(pushCodec, push)).toEqual({ type: 'signal', sealed });
    const mail = { type: 'mail', mailbox: seed('box') } as const;
    expect(readPush(encode(pushCodec, mail))).toEqual(mail);
  });

  it('are of every kind', () => {
    const kinds = (messages: { type: string }[]): number => new Set(messages.map(({ type }) => type)).size;
    expect([kinds(requests), kinds(responses)]).toEqual([15, 8]);
  });

  it('leave pushes of an unknown kind aside, and refuse what is no push', () => {
    expect(readPush(Uint8Array.of(3, 1, 2))).toBeUndefined();
    expect(readPush(Uint8Array.of())).toBeUndefined();
    expect(refusalOf(() => readPush(Uint8Array.of(2, 1)))).toBe('malformed');
  });

  it('give nothing longer than a full record a way in', () => {
    const longest = Math.max(...requests.map((request) => encode(requestCodec, request).length));
    expect(longest).toBe(MAX_REQUEST_BYTES);
    const bytes = encode(requestCodec, { type: 'publish', ...published });
    expect(refusalOf(() => decode(requestCodec, new Uint8Array([...bytes, 0])))).toBe('malformed');
  });

  it('address a node or a reply address only', () => {
    for (const length of [0, 15, 17, 31]) {
      const odd = encode(requestCodec, { type: 'signal', to: new Uint8Array(length), sealed });
      expect(refusalOf(() => decode(requestCodec, odd))).toBe('malformed');
    }
  });

  it('are taken or refused whatever the bytes', () => {
    for (const codec of [requestCodec, responseCodec, pushCodec]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 2500 }), (b) =>
          expectOnlyRefusals((bytes) => decode(codec as typeof requestCodec, bytes), b),
        ),
        runs(200),
      );
    }
  });
});

describe('what a node signs', () => {
  it('registers on one circuit only', () => {
    const request = signRegister(secret, binding, node.bytes);
    expect(verifyRegister(id, binding, request)).toBe(true);
    expect(verifyRegister(id, seed('another circuit'), request)).toBe(false);
    expect(verifyRegister(idOf('bob'), binding, request)).toBe(false);
    expect(verifyRegister(id, binding, { ...request, work: 5 })).toBe(true);
    expect(verifyRegister(id, binding, { ...request, descriptor: realNode('bob').bytes })).toBe(false);
  });

  it('beats for one circuit, epoch, counter and load', () => {
    const beat = signHeartbeat(secret, binding, { node: id, epoch: 3, counter: 4, load: 5 });
    expect(verifyHeartbeat(binding, beat)).toBe(true);
    expect(verifyHeartbeat(seed('another circuit'), beat)).toBe(false);
    for (const change of [{ epoch: 4 }, { counter: 5 }, { load: 6 }, { node: idOf('bob') }]) {
      expect(verifyHeartbeat(binding, { ...beat, ...change })).toBe(false);
    }
  });

  it('leaves by its own word only, which is no heartbeat', () => {
    const leave = signLeave(secret, binding, { node: id, counter: 9 });
    expect(verifyLeave(binding, leave)).toBe(true);
    expect(verifyLeave(seed('another circuit'), leave)).toBe(false);
    expect(verifyLeave(binding, { ...leave, counter: 10 })).toBe(false);
    const beat = signHeartbeat(secret, binding, { node: id, epoch: 3, counter: 9, load: 0 });
    expect(verifyLeave(binding, { ...leave, signature: beat.signature })).toBe(false);
  });
});

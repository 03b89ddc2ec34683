import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { decode, encode, u16 } from '#shared/bytes/codec.ts';
import { CONTACT_BLOB_LENGTH, SEALED_SIGNAL_LENGTH } from '#shared/bytes/fields.ts';
import { faults, type Outcome } from '#shared/contribution/outcomes.ts';
import { TIERS } from '#shared/contribution/tiers.ts';
import { MOST_LOOPS, signAudit, verifyAudit } from '#shared/directory/audit.ts';
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
import { PROOF_BATCH, WORK_BATCH } from '#shared/directory/tokens.ts';
import type { Code } from '#shared/errors.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
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

const proof = { type: 'proof', epoch: 7, threshold: 12, nullifier: 5n, proof: new Uint8Array(256) } as const;
const element = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const elements = Array.from({ length: PROOF_BATCH }, (_, i) => element(i));
const outcomes: Outcome[] = [
  { kind: 'passed' },
  { kind: 'unrun' },
  ...faults.map((fault) => ({ kind: 'failed', fault, suspects: 15 }) as const),
];
const done = outcomes.map((outcome, loop) => ({ epoch: 7, slot: 11, loop, outcome }));
const token = { epoch: 7, input: element(1), output: new Uint8Array(64) };
const paid = (request: DirectoryRequest): DirectoryRequest => ({
  type: 'paid',
  token,
  request: encode(requestCodec, request),
});

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
  signHeartbeat(secret, binding, { node: id, epoch: 3, counter: 4, load: 5, commitment: 9n }),
  signAudit(node.keys, binding, { room: 64, done: [] }),
  signAudit(node.keys, binding, { room: 0, done }),
  { type: 'leaves', epoch: 7 },
  { type: 'report', epoch: 7 },
  { type: 'issue', payment: proof, blinded: elements },
  { type: 'issue', payment: { type: 'work', work: 2 ** 40 }, blinded: elements.slice(0, WORK_BATCH) },
  paid({ type: 'publish', ...published }),
  ...blobs.map((blob) => paid({ type: 'deposit', mailbox: seed('box'), id: new Uint8Array(16), blob })),
  paid({ type: 'put-handle', ...handle }),
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
  { type: 'beat', epoch: 0, tested: 0, passed: 0, fault: undefined },
  ...faults.map((fault) => ({ type: 'beat', epoch: 7, tested: 0xfff, passed: 0x7ff, fault }) as const),
  { type: 'loops', loops: [] },
  {
    type: 'loops',
    loops: Array.from({ length: MOST_LOOPS }, (_, loop) => ({
      ...{ epoch: 7, slot: 11, loop, targets: [id, idOf('bob'), id, idOf('eve')] },
      ...{ spanMs: 5_000, lingerMs: 60_000 },
    })),
  },
  { type: 'leaves', entries: [] },
  { type: 'leaves', entries: TIERS.map((score, i) => ({ commitment: BigInt(i), score })) },
  { type: 'report', bytes: new Uint8Array(70_000) },
  { type: 'issued', epoch: 7, evaluated: elements, proof: new Uint8Array(64) },
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
    expect([kinds(requests), kinds(responses)]).toEqual([20, 13]);
  });

  it('leave pushes of an unknown kind aside, and refuse what is no push', () => {
    expect(readPush(Uint8Array.of(3, 1, 2))).toBeUndefined();
    expect(readPush(Uint8Array.of())).toBeUndefined();
    expect(refusalOf(() => readPush(Uint8Array.of(2, 1)))).toBe('malformed');
  });

  it('give nothing longer than a deposit that is paid for a way in', () => {
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

  it('are refused, or others, when a byte of them is', () => {
    const all = [
      ...requests.map((message) => [requestCodec, encode(requestCodec, message)] as const),
      ...responses.map((message) => [responseCodec, encode(responseCodec, message)] as const),
    ];
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.nat(400), fc.nat(7), (which, at, bit) => {
        const [codec, bytes] = all[which] as (typeof all)[0];
        const other = flipped(bytes, at % bytes.length, bit);
        // What is taken is what stands there, so that it goes on as it came.
        refusalOf(() => {
          const taken = decode(codec as typeof requestCodec, other);
          // A code that nobody knows is read as none.
          if ((taken.type as string) !== 'error')
            expect(encode(codec as typeof requestCodec, taken)).toEqual(other);
        });
        const start = bytes.subarray(0, at % bytes.length);
        expect(refusalOf(() => decode(codec as typeof requestCodec, start))).toBe('malformed');
      }),
      runs(400),
    );
  });

  it('hold no more elements, loops or outcomes than they may', () => {
    const over = (codec: typeof requestCodec | typeof responseCodec, bytes: Uint8Array): Code | undefined =>
      refusalOf(() => decode(codec as typeof requestCodec, bytes));
    const work = { type: 'work', work: 1 } as const;
    const issue = encode(requestCodec, { type: 'issue', payment: work, blinded: [] });
    const longer = concat(issue.subarray(0, issue.length - 2), encode(u16, 33), new Uint8Array(33 * 32));
    expect(over(requestCodec, longer)).toBe('oversized');
    const loops = encode(responseCodec, { type: 'loops', loops: [] });
    expect(over(responseCodec, concat(loops.subarray(0, 1), encode(u16, 65)))).toBe('oversized');
    const scored = encode(responseCodec, { type: 'leaves', entries: [{ commitment: 1n, score: 3 }] });
    scored[scored.length - 1] = 4;
    expect(over(responseCodec, scored)).toBe('malformed');
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

  it('beats for the commitment that it names', () => {
    const beat = { node: id, epoch: 3, counter: 4, load: 5 };
    const signed = signHeartbeat(secret, binding, { ...beat, commitment: 9n });
    expect(verifyHeartbeat(binding, signed)).toBe(true);
    expect(verifyHeartbeat(binding, { ...signed, commitment: 10n })).toBe(false);
    expect(verifyHeartbeat(binding, { ...signed, commitment: undefined })).toBe(false);
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

describe('what an auditor signs', () => {
  it('is for one circuit, room and outcomes', () => {
    const audit = signAudit(node.keys, binding, { room: 3, done });
    expect(verifyAudit(binding, audit)).toBe(true);
    expect(verifyAudit(seed('another circuit'), audit)).toBe(false);
    for (const change of [{ room: 4 }, { done: done.slice(1) }, { key: seed('another key') }])
      expect(verifyAudit(binding, { ...audit, ...change })).toBe(false);
  });
});

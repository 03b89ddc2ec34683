import { describe, expect, it } from 'vitest';
import {
  answerType,
  attribute,
  errorNumber,
  isAuthentic,
  messageType,
  readStun,
  stunRequest,
} from '#server/stun.ts';
import { turnCredential, turnServer } from '#server/turn.ts';

const NOW = 1_800_000_000_500;
const turn = { urls: ['turn:turn.example.org:3478'], secret: 'north of the wall', ttlS: 600 };

describe('credentials for TURN', () => {
  it('are base64 of HMAC-SHA1, by the test cases of RFC 2202 section 3', () => {
    const published = [
      [Buffer.alloc(20, 0x0b).toString('latin1'), 'Hi There', 'b617318655057264e28bc0b6fb378c8ef146be00'],
      ['Jefe', 'what do ya want for nothing?', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    ] as const;
    for (const [key, data, digest] of published)
      expect(Buffer.from(turnCredential(key, data), 'base64').toString('hex')).toBe(digest);
  });

  it('expire when they should, and tell nobody who asked', () => {
    const servers = Array.from({ length: 100 }, () => turnServer(turn, NOW));
    for (const { urls, username } of servers) {
      expect(urls).toBe(turn.urls);
      expect(username).toMatch(/^1800000600:[0-9a-f]{16}$/);
    }
    expect(new Set(servers.map(({ username }) => username)).size).toBe(100);
  });
});

/** RFC 5769 section 2.4: a request with long-term authentication; its password is already prepared. */
const published = {
  credential: {
    username: '\u30de\u30c8\u30ea\u30c3\u30af\u30b9',
    password: 'TheMatrIX',
    realm: Buffer.from('example.org'),
    nonce: Buffer.from('f//499k954d6OL34oL9FSTvy64sA'),
  },
  transaction: Buffer.from('78ad3433c6ad72c029da412e', 'hex'),
  bytes: Buffer.from(
    '000100602112a44278ad3433c6ad72c029da412e' +
      '00060012e3839ee38388e383aae38383e382afe382b90000' +
      '0015001c662f2f3439396b393534643' +
      '64f4c33346f4c3946535476793634734100' +
      '14000b6578616d706c652e6f726700' +
      '00080014f67024656dd64a3e02b8e0712e85c9a28ca89666',
    'hex',
  ),
};

describe('STUN', () => {
  it('makes the request of RFC 5769 section 2.4', () => {
    const { credential, transaction, bytes } = published;
    expect(stunRequest(messageType.binding, transaction, [], credential).toString('hex')).toBe(
      bytes.toString('hex'),
    );
  });

  it('knows who has the password', () => {
    const { credential, bytes } = published;
    expect(isAuthentic(bytes, credential)).toBe(true);
    expect(isAuthentic(bytes, { ...credential, password: 'another' })).toBe(false);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(30) ^ 1, 30);
    expect(isAuthentic(changed, credential)).toBe(false);
    expect(isAuthentic(stunRequest(messageType.binding, published.transaction, []), credential)).toBe(false);
  });

  it('reads what it makes, and an error by its number', () => {
    const { error } = answerType(messageType.allocate);
    const bytes = stunRequest(error, published.transaction, [
      [attribute.errorCode, Buffer.from([0, 0, 4, 1, 0x6e, 0x6f])],
      [attribute.realm, Buffer.from('example.org')],
    ]);
    const message = readStun(bytes);
    if (!message) throw new Error('it reads as no message');
    expect(message.type).toBe(0x0113);
    expect(errorNumber(message)).toBe(401);
    expect(message.attributes.get(attribute.realm)?.toString()).toBe('example.org');
  });

  it('takes nothing that is cut off or foreign', () => {
    const { bytes } = published;
    for (let length = 0; length < bytes.length; length++)
      expect(readStun(bytes.subarray(0, length))).toBeUndefined();
    expect(readStun(Buffer.alloc(bytes.length))).toBeUndefined();
    const overlong = Buffer.from(bytes);
    overlong.writeUInt16BE(500, 22);
    expect(readStun(overlong)).toBeUndefined();
  });
});

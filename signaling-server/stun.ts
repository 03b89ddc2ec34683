import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * As much of STUN (RFC 8489) and TURN (RFC 8656) as `npm run doctor` needs to try a server.
 *
 *     message    type 2 | length 2 | magic cookie 4 | transaction id 12 | attributes
 *     attribute  type 2 | length 2 | value | zeros up to a multiple of 4
 */
export type StunMessage = { type: number; transaction: Uint8Array; attributes: Map<number, Buffer> };

export type Attribute = readonly [type: number, value: Uint8Array];

/** The long-term credential of RFC 8489 section 9.2, with the realm and nonce that the server named. */
export type LongTerm = { username: string; password: string; realm: Uint8Array; nonce: Uint8Array };

const COOKIE = 0x2112a442;
const HEADER_LENGTH = 20;
const INTEGRITY_LENGTH = 20;
export const TRANSACTION_LENGTH = 12;

export const messageType = {
  binding: 0x0001,
  allocate: 0x0003,
  refresh: 0x0004,
} as const;

/** Classes are two bits among those of the method. */
export const answerType = (request: number): { success: number; error: number } => ({
  success: request | 0x0100,
  error: request | 0x0110,
});

export const attribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019,
  mappedAddress: 0x0020,
} as const;

export const newTransaction = (): Uint8Array => randomBytes(TRANSACTION_LENGTH);

/** A request; with a credential it ends in USERNAME, NONCE, REALM and the MESSAGE-INTEGRITY over all before it. */
export const stunRequest = (
  type: number,
  transaction: Uint8Array,
  attributes: Attribute[],
  credential?: LongTerm,
): Buffer => {
  if (!credential) return framed(type, transaction, attributes.map(encodeAttribute));
  const { username, nonce, realm } = credential;
  const named: Attribute[] = [
    ...attributes,
    [attribute.username, Buffer.from(username)],
    [attribute.nonce, nonce],
    [attribute.realm, realm],
  ];
  const parts = named.map(encodeAttribute);
  const integrity = integrityOf(framed(type, transaction, parts), keyOf(credential));
  return framed(type, transaction, [...parts, encodeAttribute([attribute.messageIntegrity, integrity])]);
};

/** The message in a datagram, or undefined when it is none. */
export const readStun = (bytes: Buffer): StunMessage | undefined => {
  if (bytes.length < HEADER_LENGTH || bytes.readUInt32BE(4) !== COOKIE) return undefined;
  if (bytes.readUInt16BE(2) !== bytes.length - HEADER_LENGTH) return undefined;
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_LENGTH; at < bytes.length;) {
    if (at + 4 > bytes.length) return undefined;
    const type = bytes.readUInt16BE(at);
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return undefined;
    // The first of its kind counts (section 14).
    if (!attributes.has(type)) attributes.set(type, bytes.subarray(at + 4, end));
    at = end + padding(end);
  }
  return { type: bytes.readUInt16BE(0), transaction: bytes.subarray(8, HEADER_LENGTH), attributes };
};

/** Whether the message was made by somebody who knows the credential's password. */
export const isAuthentic = (bytes: Buffer, credential: LongTerm): boolean => {
  const at = placeOf(bytes, attribute.messageIntegrity);
  if (at === undefined) return false;
  const expected = integrityOf(bytes.subarray(0, at), keyOf(credential));
  const found = bytes.subarray(at + 4, at + 4 + INTEGRITY_LENGTH);
  return found.length === INTEGRITY_LENGTH && timingSafeEqual(found, expected);
};

/** The number of ERROR-CODE, such as 401; 0 when there is none. */
export const errorNumber = ({ attributes }: StunMessage): number => {
  const value = attributes.get(attribute.errorCode);
  return value && value.length >= 4 ? (value.readUInt8(2) & 7) * 100 + value.readUInt8(3) : 0;
};

/** MD5(username ":" realm ":" password), RFC 8489 section 9.2.2. */
const keyOf = ({ username, password, realm }: LongTerm): Buffer =>
  createHash('md5').update(`${username}:`).update(realm).update(`:${password}`).digest();

/** HMAC-SHA1 over all that stands before, whose length field already counts the attribute itself. */
const integrityOf = (before: Buffer, key: Buffer): Buffer => {
  const counted = Buffer.from(before);
  counted.writeUInt16BE(before.length - HEADER_LENGTH + 4 + INTEGRITY_LENGTH, 2);
  return createHmac('sha1', key).update(counted).digest();
};

const placeOf = (bytes: Buffer, wanted: number): number | undefined => {
  for (let at = HEADER_LENGTH; at + 4 <= bytes.length;) {
    if (bytes.readUInt16BE(at) === wanted) return at;
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    at = end + padding(end);
  }
  return undefined;
};

const framed = (type: number, transaction: Uint8Array, parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(COOKIE, 4);
  header.set(transaction, 8);
  return Buffer.concat([header, body]);
};

const encodeAttribute = ([type, value]: Attribute): Buffer => {
  const bytes = Buffer.alloc(4 + value.length + padding(value.length));
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
};

/** Bytes up to the next multiple of four. The header has 20, so places count like lengths. */
const padding = (length: number): number => (4 - (length % 4)) % 4;

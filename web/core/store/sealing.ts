import { concat, text, untext } from '#shared/bytes/bytes.ts';
import { Reader } from '#shared/bytes/reader.ts';
import { Writer } from '#shared/bytes/writer.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import type { Change, Table } from '#web/core/store/ports.ts';

/**
 * How a record lies in a browser's database:
 *
 *     key   = HMAC-SHA-256(naming key, table ‖ 0 ‖ record key)                                         32 bytes
 *     value = nonce (12) ‖ AES-256-GCM(sealing key, nonce, AD = table ‖ 0 ‖ key, name length (2) ‖ record key ‖ record)
 */
export type Keys = { sealing: CryptoKey; naming: CryptoKey };
export type Bytes = Uint8Array<ArrayBuffer>;
export type Sealed = { table: Table; name: Bytes; value: Bytes | undefined };

const NONCE_LENGTH = 12;
const SEALING = text('hourglass store sealing 1');
const NAMING = text('hourglass store naming 1');

/** Keys that the browser makes, holds, and does not hand out. */
export const makeKeys = async (): Promise<Keys> => ({
  sealing: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
  naming: await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
});

/** Both by HKDF-SHA-256 of a data key (32). */
export const keysFrom = async (dataKey: Uint8Array): Promise<Keys> => {
  const part = (info: Uint8Array): Bytes => hkdf(dataKey, info, 32) as Bytes;
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  return {
    sealing: await crypto.subtle.importKey('raw', part(SEALING), 'AES-GCM', false, ['encrypt', 'decrypt']),
    naming: await crypto.subtle.importKey('raw', part(NAMING), hmac, false, ['sign']),
  };
};

const place = (table: Table, rest: Uint8Array): Bytes =>
  concat(text(table), new Uint8Array(1), rest) as Bytes;

export const nameOf = async (keys: Keys, table: Table, key: string): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.sign('HMAC', keys.naming, place(table, text(key))));

const sealing = (table: Table, name: Bytes, nonce: Bytes): AesGcmParams => ({
  name: 'AES-GCM',
  iv: nonce,
  additionalData: place(table, name),
});

export const seal = async (keys: Keys, { table, key, value }: Change): Promise<Sealed> => {
  const name = await nameOf(keys, table, key);
  if (value === undefined) return { table, name, value: undefined };
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
  const label = text(key);
  const plain = new Writer().u16(label.length).bytes(label).bytes(value).finish() as Bytes;
  const body = await crypto.subtle.encrypt(sealing(table, name, nonce), keys.sealing, plain);
  return { table, name, value: concat(nonce, new Uint8Array(body)) as Bytes };
};

/** The record's key and content. Throws what the browser throws where a record was altered or moved. */
export const open = async (
  keys: Keys,
  table: Table,
  name: Bytes,
  sealed: Bytes,
): Promise<[string, Uint8Array]> => {
  const nonce = sealed.slice(0, NONCE_LENGTH);
  const body = sealed.slice(NONCE_LENGTH);
  const plain = new Reader(
    new Uint8Array(await crypto.subtle.decrypt(sealing(table, name, nonce), keys.sealing, body)),
  );
  return [untext(plain.take(plain.u16())), plain.rest()];
};

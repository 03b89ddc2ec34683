import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encode } from '#shared/bytes/codec.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { mailboxId, signAcknowledge, signCollect } from '#shared/directory/mail.ts';
import { requestCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { LocalError } from '#shared/errors.ts';
import { MOST_MAILBOXES } from '#server/services/limits.ts';
import { type Client, DirectoryFixture } from './directory-fixture.ts';
import { waitsFor } from './held.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const owner = signKeypair(new Uint8Array(32).fill(5));
const mailbox = mailboxId(owner.public);
const idOf = (number: number): Uint8Array =>
  new Uint8Array(16).fill(number % 256, 0, 15).fill(number >>> 8, 15);
const DAY_MS = 24 * 3_600_000;
const woken = { type: 'mail', mailbox };

let folder: string;
let fixture: DirectoryFixture;
let sender: Client;
let reader: Client;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-mailbox-'));
  fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { limits: { deposits: 2_000 } });
  await fixture.directory.start();
  [sender, reader] = [fixture.client(1), fixture.client(2)];
});
afterEach(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

const deposit = (number: number, size = 4_096, byte = number): Promise<DirectoryResponse> =>
  sender.ask({ type: 'deposit', mailbox, id: idOf(number), blob: new Uint8Array(size).fill(byte) });
const collect = (from = reader): Promise<DirectoryResponse> => from.ask(signCollect(owner, from.binding));
const acknowledge = (...numbers: number[]): Promise<DirectoryResponse> =>
  reader.ask(signAcknowledge(owner, reader.binding, numbers.map(idOf)));

/** First bytes of the blobs that a collection brought, and whether more wait. */
const brought = (answer: DirectoryResponse): [number[], boolean] => {
  if (answer.type !== 'mail') throw new Error(`${answer.type} instead of mail`);
  return [answer.messages.map(({ blob }) => blob[0] ?? -1), answer.state.more];
};

describe('a mailbox', () => {
  it('hands out what was deposited, oldest first, until it is acknowledged', async () => {
    for (const number of [3, 1, 2]) expect(await deposit(number)).toEqual(ok);
    expect(await collect()).toEqual({
      type: 'mail',
      state: { more: false, woken: true },
      messages: [3, 1, 2].map((n) => ({ id: idOf(n), blob: new Uint8Array(4_096).fill(n) })),
    });
    expect(await acknowledge(3, 9)).toEqual(ok);
    expect(brought(await collect())).toEqual([[1, 2], false]);
    expect(await acknowledge(1, 2)).toEqual(ok);
    expect(await acknowledge(1, 2)).toEqual(ok);
    expect(await acknowledge()).toEqual(ok);
    expect(brought(await collect())).toEqual([[], false]);
  });

  it('takes a message once, also when it is sent again', async () => {
    expect(await deposit(1)).toEqual(ok);
    expect(await deposit(1, 4_096, 7)).toEqual(ok);
    expect(brought(await collect())).toEqual([[1], false]);
  });

  it('says that a message is stored when it is, and that it is erased', async () => {
    expect(await waitsFor(fixture.archive, 'deposit', () => deposit(1))).toBe(true);
    expect(await waitsFor(fixture.archive, 'removeMail', () => acknowledge(1))).toBe(true);
  });

  it('hands out four at a time, and no more than 128 KiB of them', async () => {
    for (let number = 0; number < 6; number++) await deposit(number);
    expect(brought(await collect())).toEqual([[0, 1, 2, 3], true]);
    await acknowledge(0, 1, 2, 3, 4);
    await deposit(6, 65_536);
    await deposit(7, 65_536);
    await deposit(8);
    expect(brought(await collect())).toEqual([[5, 6], true]);
    await acknowledge(5);
    expect(brought(await collect())).toEqual([[6, 7], true]);
    await acknowledge(6, 7);
    expect(brought(await collect())).toEqual([[8], false]);
  });

  it('holds 4 MiB, and takes more once some of it is acknowledged', async () => {
    const most = (4 * 1024 * 1024) / 65_536;
    for (let number = 0; number < most; number++) expect(await deposit(number, 65_536)).toEqual(ok);
    expect(await deposit(most)).toEqual(refusal('too-many'));
    expect(await deposit(0, 65_536)).toEqual(ok);
    await acknowledge(0);
    expect(await deposit(most)).toEqual(ok);
    const other = mailboxId(signKeypair(new Uint8Array(32).fill(6)).public);
    const elsewhere = { type: 'deposit', mailbox: other, id: idOf(1), blob: new Uint8Array(4_096) } as const;
    expect(await sender.ask(elsewhere)).toEqual(ok);
  });

  it('takes three sizes only', async () => {
    const bytes = encode(requestCodec, {
      ...{ type: 'deposit', mailbox, id: idOf(1), blob: new Uint8Array(4_096) },
    });
    expect(await sender.askRaw(bytes)).toEqual(ok);
    expect(await sender.askRaw(bytes.slice(0, -1))).toEqual(refusal('malformed'));
    expect(await sender.askRaw(new Uint8Array([...bytes, 0]))).toEqual(refusal('malformed'));
    for (const size of [16_384, 65_536]) expect(await deposit(size, size)).toEqual(ok);
  });

  it('keeps a message for fourteen days', async () => {
    await deposit(1);
    const later = fixture.clock.now() + 14 * DAY_MS - 1_000;
    vi.spyOn(fixture.clock, 'now').mockImplementation(() => later);
    expect(brought(await collect())).toEqual([[1], false]);
    vi.spyOn(fixture.clock, 'now').mockImplementation(() => later + 1_000);
    expect(brought(await collect())).toEqual([[], false]);
  });
});

describe('the owner of a mailbox', () => {
  it('alone collects and acknowledges', async () => {
    await deposit(1);
    const stranger = signKeypair(new Uint8Array(32).fill(6));
    const forged = { ...signCollect(stranger, reader.binding), key: owner.public };
    expect(await reader.ask(forged)).toEqual(refusal('bad-signature'));
    expect(brought(await reader.ask(signCollect(stranger, reader.binding)))).toEqual([[], false]);
    const erasing = { ...signAcknowledge(stranger, reader.binding, [idOf(1)]), key: owner.public };
    expect(await reader.ask(erasing)).toEqual(refusal('bad-signature'));
    expect(await reader.ask(signAcknowledge(stranger, reader.binding, [idOf(1)]))).toEqual(ok);
    expect(brought(await collect())).toEqual([[1], false]);
  });

  it('speaks for one circuit', async () => {
    await deposit(1);
    expect(await sender.ask(signCollect(owner, reader.binding))).toEqual(refusal('bad-signature'));
    const acknowledged = signAcknowledge(owner, reader.binding, [idOf(1)]);
    expect(await sender.ask(acknowledged)).toEqual(refusal('bad-signature'));
    await deposit(2);
    expect(sender.pushed).toEqual([]);
  });
});

describe('the circuit that collected', () => {
  it('is woken when something is deposited, until it ends', async () => {
    await deposit(1);
    expect(reader.pushed).toEqual([]);
    await collect();
    await deposit(2);
    expect(reader.pushed).toEqual([woken]);
    await reader.close();
    await deposit(3);
    expect(reader.pushed).toEqual([woken]);
  });

  it('is woken after a long time as well', async () => {
    await collect();
    await fixture.clock.pass(600_000);
    await deposit(1);
    expect(reader.pushed).toEqual([woken]);
  });

  it('is woken from another process too', async () => {
    const other = new DirectoryFixture('', {}, undefined, fixture);
    await other.directory.start();
    const far = other.client(3);
    expect(brought(await collect(far))).toEqual([[], false]);
    await deposit(1);
    expect(far.pushed).toEqual([woken]);
    expect(brought(await collect(far))).toEqual([[1], false]);
    await other.stop();
  });

  it('is woken for a few mailboxes, and told of which it is not', async () => {
    await reader.register();
    await reader.ask({ type: 'listen', reply: new Uint8Array(16) });
    const states = [];
    for (let byte = 10; byte <= 10 + MOST_MAILBOXES; byte++) {
      const answer = await reader.ask(
        signCollect(signKeypair(new Uint8Array(32).fill(byte)), reader.binding),
      );
      states.push(answer.type === 'mail' ? answer.state.woken : answer.type);
    }
    expect(states).toEqual([...Array.from({ length: MOST_MAILBOXES }, () => true), false]);
    expect(await reader.ask({ type: 'consensus', after: 0 })).toMatchObject({ type: 'consensus' });
  });

  it('need not be reached for the message to be stored', async () => {
    await collect();
    vi.spyOn(fixture.live, 'routes').mockRejectedValue(new LocalError('storage'));
    expect(await deposit(1)).toEqual(ok);
    expect(brought(await collect())).toEqual([[1], false]);
  });
});

describe('mail', () => {
  it('is told to try later while the archive fails, and taken when it is back', async () => {
    const { archive } = fixture;
    const away = new LocalError('storage');
    const failing = (['deposit', 'mail', 'removeMail'] as const).map((method) =>
      vi.spyOn(archive, method).mockRejectedValue(away),
    );
    for (const ask of [() => deposit(1), () => collect(), () => acknowledge(1)])
      expect(await ask()).toEqual(refusal('try-later'));
    for (const spy of failing) spy.mockRestore();
    expect(await deposit(1)).toEqual(ok);
    expect(brought(await collect())).toEqual([[1], false]);
  });

  it('has a bucket of its own', async () => {
    await fixture.stop();
    fixture = new DirectoryFixture(join(folder, 'other.sqlite'), { limits: { deposits: 2, requests: 1 } });
    await fixture.directory.start();
    sender = fixture.client(1);
    for (const number of [1, 2]) expect(await deposit(number)).toEqual(ok);
    expect(await deposit(3)).toEqual(refusal('too-many'));
    expect(brought(await collect(sender))).toEqual([[1, 2], false]);
    expect(await collect(sender)).toEqual(refusal('too-many'));
    await fixture.clock.pass(30_000);
    expect(await deposit(3)).toEqual(ok);
  });
});

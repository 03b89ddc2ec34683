import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { LocalError } from '#shared/errors.ts';
import { nodeIdBytes } from '#shared/units.ts';
import { type Client, DirectoryFixture } from './directory-fixture.ts';

const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });
const sealedOf = (byte: number): Uint8Array => new Uint8Array(2_048).fill(byte);
const replyOf = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const bytesOf = ({ pushed }: Client): (number | undefined)[] =>
  pushed.map((push) => (push.type === 'signal' ? push.sealed[0] : undefined));

describe('signals', () => {
  let folder: string;
  let fixture: DirectoryFixture;
  let sender: Client;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-signal-'));
    fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { limits: { pushes: 5 } });
    await fixture.directory.start();
    sender = fixture.client(1);
  });
  afterEach(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  });

  const signal = (to: Uint8Array, byte = 7): Promise<DirectoryResponse> =>
    sender.ask({ type: 'signal', to, sealed: sealedOf(byte) });

  it('reach a node and a reply address as they were sent', async () => {
    const [node, listener] = [fixture.client(10), fixture.client(11)];
    await node.register();
    expect(await listener.ask({ type: 'listen', reply: replyOf(1) })).toEqual(ok);
    expect(await signal(nodeIdBytes(node.id), 5)).toEqual(ok);
    expect(await signal(replyOf(1), 6)).toEqual(ok);
    expect(node.pushed).toEqual([{ type: 'signal', sealed: sealedOf(5) }]);
    expect(listener.pushed).toEqual([{ type: 'signal', sealed: sealedOf(6) }]);
    expect(sender.pushed).toEqual([]);
  });

  it('to no one are told so', async () => {
    expect(await signal(replyOf(1))).toEqual(refusal('not-found'));
    expect(await signal(nodeIdBytes(sender.id))).toEqual(refusal('not-found'));
  });

  it('end with the circuit', async () => {
    const listener = fixture.client(10);
    await listener.ask({ type: 'listen', reply: replyOf(1) });
    await listener.register();
    await listener.close();
    expect(await signal(replyOf(1))).toEqual(refusal('not-found'));
    expect(await signal(nodeIdBytes(listener.id))).toEqual(refusal('not-found'));
    expect(listener.pushed).toEqual([]);
  });

  it('end with a circuit that closes while the request is under way', async () => {
    const listener = fixture.client(10);
    const answer = listener.ask({ type: 'listen', reply: replyOf(1) });
    await Promise.all([listener.close(), answer]);
    expect(await signal(replyOf(1))).toEqual(refusal('not-found'));
  });

  it('find that a circuit is gone before the directory is told', async () => {
    const listener = fixture.client(10);
    await listener.ask({ type: 'listen', reply: replyOf(1) });
    fixture.lose(listener);
    expect(await signal(replyOf(1))).toEqual(refusal('not-found'));
  });

  it('reach all of the last four circuits behind one address', async () => {
    const listeners = [10, 11, 12, 13, 14].map((seed) => fixture.client(seed));
    for (const listener of listeners) await listener.ask({ type: 'listen', reply: replyOf(1) });
    expect(await signal(replyOf(1))).toEqual(ok);
    expect(listeners.map(bytesOf)).toEqual([[], [7], [7], [7], [7]]);
  });

  it('have few addresses on one circuit', async () => {
    const listener = fixture.client(10);
    for (const byte of [1, 2, 3, 4, 5]) {
      expect(await listener.ask({ type: 'listen', reply: replyOf(byte) })).toEqual(ok);
    }
    expect(await listener.ask({ type: 'listen', reply: replyOf(6) })).toEqual(refusal('too-many'));
    expect(await listener.ask({ type: 'listen', reply: replyOf(5) })).toEqual(ok);
  });

  it('find who asked again after the store had failed', async () => {
    const listener = fixture.client(10);
    vi.spyOn(fixture.live, 'addRoute').mockRejectedValueOnce(new LocalError('storage'));
    const listen = { type: 'listen', reply: replyOf(1) } as const;
    expect(await listener.ask(listen)).toEqual(refusal('try-later'));
    expect(await signal(replyOf(1))).toEqual(refusal('not-found'));
    expect(await listener.ask(listen)).toEqual(ok);
    expect(await signal(replyOf(1))).toEqual(ok);
  });

  it('beyond a number in a minute are dropped, and none later', async () => {
    const listener = fixture.client(10);
    await listener.ask({ type: 'listen', reply: replyOf(1) });
    for (let byte = 0; byte < 8; byte++) await signal(replyOf(1), byte);
    expect(bytesOf(listener)).toEqual([0, 1, 2, 3, 4]);
    await fixture.clock.pass(12_000);
    await signal(replyOf(1), 9);
    expect(bytesOf(listener)).toEqual([0, 1, 2, 3, 4, 9]);
  });
});

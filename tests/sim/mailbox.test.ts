import { describe, expect, it, vi } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { CONTACT_BLOB_LENGTH } from '#shared/bytes/fields.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { mailboxId, signCollect } from '#shared/directory/mail.ts';
import {
  requestCodec,
  responseCodec,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { recordId, signHandle, signRecord } from '#shared/directory/records.ts';
import type { AskPurpose } from '#shared/directory/purposes.ts';
import type { SimNode } from './sim-node.ts';
import { World } from './world.ts';

const owner = signKeypair(new Uint8Array(32).fill(5));
const mailbox = mailboxId(owner.public);
const deposit = (byte: number, size = 4_096): DirectoryRequest => ({
  ...{ type: 'deposit', mailbox, id: new Uint8Array(16).fill(byte) },
  blob: new Uint8Array(size).fill(byte),
});
const collect = (binding: Uint8Array): DirectoryRequest => signCollect(owner, binding);

let lastHandle = 0;
const ask = async (
  world: World,
  node: SimNode,
  purpose: AskPurpose,
  request: DirectoryRequest | ((binding: Uint8Array) => DirectoryRequest),
): Promise<DirectoryResponse> => {
  const handle = (lastHandle += 1);
  const body =
    typeof request === 'function'
      ? (binding: Uint8Array) => encode(requestCodec, request(binding))
      : encode(requestCodec, request);
  node.command({ type: 'ask', handle, purpose, body });
  const answer = (): DirectoryResponse | undefined => {
    const result = node.seen('answered').find((event) => event.handle === handle)?.result;
    if (result && 'code' in result) throw new Error(`no answer: ${result.code}`);
    return result && decode(responseCodec, result.body);
  };
  await world.until('there is an answer', () => answer() !== undefined, 10_000);
  return answer() as DirectoryResponse;
};

/** Handles of the circuits on which the directory is asked from here on. */
const circuitsAsked = (world: World): number[] => {
  const { services } = world.directory;
  const request = services.request.bind(services);
  const handles: number[] = [];
  vi.spyOn(services, 'request').mockImplementation((circuit, body) => {
    const { type } = decode(requestCodec, body);
    if (!['consensus', 'heartbeat', 'listen', 'register'].includes(type)) handles.push(circuit.handle);
    return request(circuit, body);
  });
  return handles;
};

describe('what users keep at the directory', () => {
  it('goes over circuits of its own where circuits to the directory are longer than one hop', async () => {
    const world = await new World({ seed: 12, directoryHops: 3 }).start();
    await world.relays(4);
    const alice = world.add('alice', false);
    await world.until('alice reaches the directory', () => alice.node.directoryReachable, 10_000);
    await world.clock.pass(2_000);
    const handles = circuitsAsked(world);
    for (const [byte, size] of [
      [1, 65_536],
      [2, 65_536],
      [3, 4_096],
    ] as const)
      expect(await ask(world, alice, 'mailbox', deposit(byte, size))).toEqual({ type: 'ok' });
    expect(await ask(world, alice, 'mailbox', collect)).toMatchObject({
      state: { more: true, woken: true },
      messages: [{ blob: new Uint8Array(65_536).fill(1) }, { blob: new Uint8Array(65_536).fill(2) }],
    });
    const record = signRecord(owner, { slot: 1, revision: 1, blob: new Uint8Array(65_536).fill(9) });
    expect(await ask(world, alice, 'record', { type: 'put-record', ...record })).toEqual({ type: 'ok' });
    const get = { type: 'get-record', recordId: recordId(owner.public, 1) } as const;
    expect(await ask(world, alice, 'record', get)).toEqual({ type: 'record', ...record });
    const handle = signHandle(owner, {
      name: 'alice',
      revision: world.clock.now(),
      content: new Uint8Array(9),
    });
    expect(await ask(world, alice, 'handle', { type: 'put-handle', ...handle })).toEqual({ type: 'ok' });
    expect(handles).toHaveLength(7);
    expect(new Set(handles).size).toBe(7);
    expect(world.faults()).toEqual([]);
  });

  it('shows nothing of whose mailboxes are one user`s, also where circuits to the directory have one hop', async () => {
    const world = await new World({ seed: 14 }).start();
    await world.relays(3);
    const alice = world.add('alice', false);
    await world.until('alice reaches the directory', () => alice.node.directoryReachable, 10_000);
    await world.clock.pass(2_000);
    const handles = circuitsAsked(world);
    const get = { type: 'get-record', recordId: recordId(owner.public, 1) } as const;
    const lookup = { type: 'lookup', descriptorId: new Uint8Array(32) } as const;
    await ask(world, alice, 'record', get);
    await ask(world, alice, 'lookup', lookup);
    // Both went over the circuit of one hop; each of these by two nodes.
    expect(new Set(handles.splice(0)).size).toBe(1);
    expect(await ask(world, alice, 'mailbox', deposit(1))).toEqual({ type: 'ok' });
    expect(await ask(world, alice, 'mailbox', deposit(2))).toEqual({ type: 'ok' });
    expect(await ask(world, alice, 'mailbox', collect)).toMatchObject({ state: { more: false } });
    const publish = { type: 'publish', blindedKey: owner.public, period: 1, revision: 1 } as const;
    const sealed = { blob: new Uint8Array(CONTACT_BLOB_LENGTH), signature: new Uint8Array(64) };
    expect(await ask(world, alice, 'ahead', { ...publish, ...sealed })).toMatchObject({ type: 'error' });
    expect(new Set(handles).size).toBe(4);
    const exits = alice.seen('answered').map(({ exit }) => exit);
    expect(exits.slice(0, 2)).toEqual([undefined, undefined]);
    expect(exits.slice(2)).not.toContain(undefined);
    expect(world.faults()).toEqual([]);
  });

  it('wakes its reader over the circuit of one hop, which passes over what it does not know', async () => {
    const world = await new World({ seed: 13 }).start();
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    const reach = (): boolean => [alice, bob].every(({ node }) => node.directoryReachable);
    await world.until('both reach the directory', reach, 10_000);
    const handles = circuitsAsked(world);
    expect(await ask(world, alice, 'mailbox', collect)).toMatchObject({ messages: [] });
    const [circuit = 0] = handles;
    const unknown = Uint8Array.of(200, 1, 2);
    world.directory.driver.input({ type: 'command', command: { type: 'push', circuit, body: unknown } });
    expect(await ask(world, bob, 'mailbox', deposit(1))).toEqual({ type: 'ok' });
    await world.until('alice is woken', () => alice.seen('mail').length > 0, 1_000);
    expect(alice.seen('mail')).toEqual([{ type: 'mail', mailbox }]);
    expect(bob.seen('mail')).toEqual([]);
    expect(await ask(world, alice, 'mailbox', collect)).toMatchObject({
      state: { more: false, woken: true },
      messages: [{ id: new Uint8Array(16).fill(1) }],
    });
    expect(alice.seen('circuit-failed')).toEqual([]);
    expect(new Set(handles).size).toBe(2);
  });
});

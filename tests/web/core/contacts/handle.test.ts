import { beforeEach, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { signHandle } from '#shared/directory/records.ts';
import { findHandle, HandleKeeper } from '#web/core/contacts/handle.ts';
import { encodeInvite } from '#web/core/contacts/invites.ts';
import { FirstBoxes, ofHandle } from '#web/core/mail/first-boxes.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { RecordsNet } from '#tests/support/records-net.ts';

const DAY = 86_400_000;

let net: RecordsNet;
let store: Store;
let keeper: HandleKeeper;
let changes: number;

const load = async (from: Store, seed: number): Promise<HandleKeeper> => {
  const ports = net.portsOf(seed);
  const made = await HandleKeeper.load({
    ...{ store: from, ports, network: net.network },
    pay: (purpose, request) => net.network.ask(purpose, request),
    boxes: await FirstBoxes.load(from, ports.rng, ofHandle),
    changed: () => void (changes += 1),
  });
  made.begin();
  return made;
};

const find = (name: string): ReturnType<typeof findHandle> => findHandle(net.network, net.portsOf(9), name);

beforeEach(async () => {
  net = new RecordsNet();
  store = memoryStore();
  changes = 0;
  keeper = await load(store, 1);
});

describe('a handle', () => {
  it('leads to an address of its own, by an invite that asks', async () => {
    await keeper.set('ondine');
    expect([keeper.name, changes]).toEqual(['ondine', 1]);
    const { address, token, name } = await find('ondine');
    expect(name).toBe('@ondine');
    expect(keeper.isOwn(address)).toBe(true);
    expect(address).toEqual(keeper.alias?.identity.address);
    expect(keeper.redeem(token)?.wanted).toBe(false);
    expect(keeper.redeem(new Uint8Array(16))).toBeUndefined();
    // It is the same after a restart.
    keeper.stop();
    const again = await load(store, 2);
    expect(again.name).toBe('ondine');
    expect(again.alias?.identity).toEqual(keeper.alias?.identity);
  });

  it('of somebody else is refused, and what is none', async () => {
    await keeper.set('ondine');
    const other = await load(memoryStore(), 3);
    await expect(other.set('ondine')).rejects.toMatchObject({ code: 'refused' });
    expect(other.name).toBeNull();
    for (const name of ['', 'ab', '1st', 'Ondine', 'a b c', 'x'.repeat(33)]) {
      await expect(other.set(name)).rejects.toMatchObject({ code: 'malformed' });
      await expect(find(name)).rejects.toMatchObject({ code: 'malformed' });
    }
    await expect(find('nobody')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is renewed as long as the client is there now and then, and ends else', async () => {
    await keeper.set('ondine');
    const before = (await find('ondine')).expiresAt;
    for (let day = 0; day < 40; day++) await net.clock.pass(DAY);
    expect((await find('ondine')).expiresAt).toBeGreaterThanOrEqual(before + 30 * DAY);
    keeper.stop();
    await net.clock.pass(31 * DAY);
    await expect(find('ondine')).rejects.toMatchObject({ code: 'not-found' });
    // Somebody took it meanwhile.
    const other = await load(memoryStore(), 3);
    await other.set('ondine');
    const back = await load(store, 4);
    await net.clock.pass(60_000);
    expect(back.name).toBeNull();
    expect(hex((await find('ondine')).address)).toBe(hex(other.alias?.identity.address ?? new Uint8Array(0)));
  });

  it('is tried for again while the directory is away', async () => {
    await keeper.set('ondine');
    await net.clock.pass(9 * DAY);
    net.fault = 'unreachable';
    await net.clock.pass(10 * DAY);
    net.fault = undefined;
    await net.clock.pass(DAY);
    expect((await find('ondine')).expiresAt).toBeGreaterThan(net.clock.now() + 29 * DAY);
  });

  it('that is given up leads nowhere, and keeps nothing', async () => {
    await keeper.set('ondine');
    const { address } = await find('ondine');
    net.fault = 'unreachable';
    await keeper.set(null);
    expect([keeper.name, keeper.alias, changes]).toEqual([null, undefined, 2]);
    keeper.stop();
    // The directory hears of it once it is there again, whoever asks meanwhile.
    net.fault = undefined;
    const again = await load(store, 2);
    expect(again.isOwn(address)).toBe(true);
    await net.clock.pass(120_000);
    await expect(find('ondine')).rejects.toMatchObject({ code: 'not-found' });
    expect(again.isOwn(address)).toBe(false);
    expect((await store.all('identity')).map(([key]) => key)).toEqual(['handle']);
    expect(await store.all('mailboxes')).toEqual([]);
  });

  it('that replaces another has another address', async () => {
    await keeper.set('ondine');
    const former = await find('ondine');
    await keeper.set('undine');
    await net.clock.pass(1000);
    await expect(find('ondine')).rejects.toMatchObject({ code: 'not-found' });
    expect((await find('undine')).address).not.toEqual(former.address);
    expect(keeper.redeem(former.token)).toBeUndefined();
  });

  it('is taken back when everything is erased', async () => {
    await keeper.set('ondine');
    await keeper.withdraw();
    await expect(find('ondine')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of a directory that lies is not believed', async () => {
    await keeper.set('ondine');
    const honest = net.handles.get('ondine');
    if (!honest) throw new Error('no handle');
    net.handles.set('ondine', { ...honest, content: new Uint8Array(8) });
    await expect(find('ondine')).rejects.toMatchObject({ code: 'bad-signature' });
    // Signed by somebody, and leading to somebody else.
    const mallory = signKeypair(new Uint8Array(32).fill(7));
    const invite = {
      address: honest.key,
      token: new Uint8Array(16),
      expiresAt: net.clock.now() + DAY,
      name: '@ondine',
    };
    const revision = net.clock.now();
    net.handles.set(
      'ondine',
      signHandle(mallory, { name: 'ondine', revision, content: encodeInvite(invite) }),
    );
    await expect(find('ondine')).rejects.toMatchObject({ code: 'bad-invite' });
    net.handles.set(
      'ondine',
      signHandle(mallory, { name: 'another', revision, content: encodeInvite(invite) }),
    );
    await expect(find('ondine')).rejects.toMatchObject({ code: 'unexpected' });
  });
});

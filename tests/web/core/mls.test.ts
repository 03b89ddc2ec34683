import { describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { makeCredential, verifyCredential } from '#web/core/conversation/credential.ts';
import { commitUpdate, decrypt, proposeUpdate } from '#web/core/conversation/handshake.ts';
import {
  decodeIdentity,
  decodeOwnKeyPackage,
  encodeIdentity,
  encodeOwnKeyPackage,
  makeIdentity,
  makeKeyPackage,
  type Identity,
} from '#web/core/conversation/identity.ts';
import * as mls from '#web/core/conversation/mls.ts';

const NOW = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const rng = seededRng(new Uint8Array(32).fill(5));
const none = new Uint8Array(0);
const address = (seed: number) => signKeypair(new Uint8Array(32).fill(seed));
const alice = makeIdentity(rng, address(1), NOW + YEAR);
const bob = makeIdentity(rng, address(2), NOW + YEAR);

const pair = async (from: Identity = alice, to: Identity = bob) => {
  const own = await makeKeyPackage(to);
  const contact = { address: to.address, keyPackage: own.public };
  const { group, welcome } = await mls.createGroup(rng, from, contact, NOW);
  const joined = await mls.joinGroup(to, [await makeKeyPackage(to), own], welcome, NOW);
  return { a: group, b: joined.group, contact: joined.contact };
};

const talk = async (a: mls.Group, b: mls.Group) => {
  const payload = rng(300);
  const sent = await mls.encrypt(a, payload, Uint8Array.of(1, 2));
  const received = await decrypt(b, sent.ciphertext);
  expect(received).toMatchObject({ type: 'application', payload, authenticatedData: Uint8Array.of(1, 2) });
  return { a: sent.group, b: received.group };
};

const renew = async (a: mls.Group, b: mls.Group) => {
  const proposed = await proposeUpdate(b, none);
  const heard = await decrypt(a, proposed.ciphertext);
  expect(heard.type).toBe('proposal');
  const committed = await commitUpdate(heard.group, none);
  const done = await decrypt(proposed.group, committed.ciphertext);
  expect(done).toMatchObject({ type: 'commit', lost: false });
  return { a: committed.group, b: done.group };
};

describe('groups of two', () => {
  it('carry messages both ways under the suite with X-Wing', async () => {
    const { a, b, contact } = await pair();
    expect(contact).toEqual(alice.address);
    expect(mls.groupIdOfGroup(a)).toEqual(mls.groupIdOfGroup(b));
    expect(a.state.groupContext.cipherSuite).toBe('MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519');
    const once = await talk(a, b);
    await talk(once.b, once.a);
  });

  it('survive being stored, whole and in the midst of an update', async () => {
    const { a, b } = await pair();
    const reload = (group: mls.Group): mls.Group => mls.decodeGroup(mls.encodeGroup(group));
    const once = await talk(reload(a), reload(b));
    const proposed = await proposeUpdate(once.b, none);
    const heard = await decrypt(reload(once.a), proposed.ciphertext);
    const committed = await commitUpdate(reload(heard.group), none);
    const done = await decrypt(reload(proposed.group), committed.ciphertext);
    const back = await talk(reload(done.group), reload(committed.group));
    await talk(back.b, back.a);
  });

  it('take fresh keys for both leaves with an update and its commit', async () => {
    const { a, b } = await pair();
    const before = a.state.ratchetTree.map((node) =>
      node?.nodeType === 'leaf' ? node.leaf.hpkePublicKey : none,
    );
    const next = await renew(a, b);
    const after = next.a.state.ratchetTree.map((node) =>
      node?.nodeType === 'leaf' ? node.leaf.hpkePublicKey : none,
    );
    expect(after[0]).not.toEqual(before[0]);
    expect(after[2]).not.toEqual(before[2]);
    expect(mls.epochOf(next.a)).toBe(mls.epochOf(a) + 1);
    expect(await mls.exportKeys(next.a, 'x')).not.toEqual(await mls.exportKeys(a, 'x'));
    const both = [await mls.exportKeys(next.a, 'x'), await mls.exportKeys(next.b, 'x')];
    expect(both[0]?.mine).toEqual(both[1]?.theirs);
    const again = await renew(next.a, next.b);
    await talk(again.b, again.a);
  });

  it('read what was sent before a commit arrived, and give up a proposal that came too late', async () => {
    const { a, b } = await pair();
    const early = await mls.encrypt(b, rng(10), none);
    const proposed = await proposeUpdate(early.group, none);
    const committed = await commitUpdate(a, none);
    expect(await decrypt(committed.group, early.ciphertext)).toMatchObject({ type: 'application' });
    await expect(decrypt(committed.group, proposed.ciphertext)).rejects.toMatchObject({ code: 'stale' });
    const done = await decrypt(proposed.group, committed.ciphertext);
    expect(done).toMatchObject({ type: 'commit', lost: true });
    await talk(done.group, committed.group);
  });

  it('send nothing between a proposal of the other and its commit', async () => {
    const { a, b } = await pair();
    const proposed = await proposeUpdate(b, none);
    const { group } = await decrypt(a, proposed.ciphertext);
    expect([mls.maySend(group), mls.isSettled(group)]).toEqual([false, false]);
    await expect(mls.encrypt(group, none, none)).rejects.toMatchObject({ code: 'internal' });
  });

  it('go on while a proposal of their own is under way, which is committed nonetheless', async () => {
    const { a, b } = await pair();
    const proposed = await proposeUpdate(b, none);
    expect([mls.maySend(proposed.group), mls.isSettled(proposed.group)]).toEqual([true, false]);
    const said = await mls.encrypt(proposed.group, text('meanwhile'), none);
    const committed = await commitUpdate((await decrypt(a, proposed.ciphertext)).group, none);
    expect(await decrypt(committed.group, said.ciphertext)).toMatchObject({ payload: text('meanwhile') });
    const done = await decrypt(said.group, committed.ciphertext);
    expect(done).toMatchObject({ type: 'commit', lost: false });
    await talk(done.group, committed.group);
  });

  it('refuse a commit by the other leaf', async () => {
    const { a, b } = await pair();
    const committed = await commitUpdate(b, none);
    await expect(decrypt(a, committed.ciphertext)).rejects.toMatchObject({ code: 'refused' });
  });

  it('refuse every altered byte, and leave the group as it was', async () => {
    const { a, b } = await pair();
    const sent = await mls.encrypt(a, rng(64), Uint8Array.of(9));
    for (let at = 0; at < sent.ciphertext.length; at += 3) {
      const altered = sent.ciphertext.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      await expect(decrypt(b, altered)).rejects.toMatchObject({ name: 'RemoteError' });
    }
    await expect(decrypt(b, sent.ciphertext.slice(1))).rejects.toMatchObject({ code: 'malformed' });
    expect(await decrypt(b, sent.ciphertext)).toMatchObject({ type: 'application' });
    const again = await decrypt(b, sent.ciphertext);
    await expect(decrypt(again.group, sent.ciphertext)).rejects.toMatchObject({ name: 'RemoteError' });
  });
});

describe('who a group is with', () => {
  it('states the address that signed, for just that key', () => {
    const key = rng(32);
    const credential = makeCredential(address(3), key, NOW);
    expect(credential).toHaveLength(105);
    expect(verifyCredential(credential, key)).toMatchObject({ address: address(3).public, expiry: NOW });
    expect(() => verifyCredential(credential, rng(32))).toThrow('bad-signature');
    for (const at of [1, 40, 100]) {
      const altered = credential.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => verifyCredential(altered, key)).toThrow('bad-signature');
    }
    expect(() => verifyCredential(Uint8Array.of(2, ...credential.slice(1)), key)).toThrow('bad-version');
  });

  it('refuses a key package of another address, or past its time', async () => {
    const own = await makeKeyPackage(bob);
    const wrong = { address: address(7).public, keyPackage: own.public };
    await expect(mls.createGroup(rng, alice, wrong, NOW)).rejects.toMatchObject({ code: 'bad-signature' });
    const late = { address: bob.address, keyPackage: own.public };
    await expect(mls.createGroup(rng, alice, late, NOW + YEAR)).rejects.toMatchObject({
      code: 'bad-signature',
    });
  });

  it('refuses a welcome by someone whose address did not sign', async () => {
    const mallory: Identity = {
      ...makeIdentity(rng, address(4), NOW + YEAR),
      credential: alice.credential,
      address: alice.address,
    };
    const own = await makeKeyPackage(bob);
    const contact = { address: bob.address, keyPackage: own.public };
    const forged = await mls.createGroup(rng, mallory, contact, NOW);
    await expect(mls.joinGroup(bob, [own], forged.welcome, NOW)).rejects.toMatchObject({
      code: 'bad-signature',
    });
  });

  it('refuses a welcome past its creator’s time, for another key package, or altered', async () => {
    const own = await makeKeyPackage(bob);
    const contact = { address: bob.address, keyPackage: own.public };
    const { welcome } = await mls.createGroup(rng, alice, contact, NOW);
    const join = (packages: (typeof own)[], bytes: Uint8Array, now: number) =>
      mls.joinGroup(bob, packages, bytes, now);
    await expect(join([own], welcome, NOW + YEAR)).rejects.toMatchObject({ code: 'bad-signature' });
    await expect(join([await makeKeyPackage(bob)], welcome, NOW)).rejects.toMatchObject({ code: 'bad-key' });
    for (let at = 0; at < welcome.length; at += 97) {
      const altered = welcome.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      await expect(join([own], altered, NOW)).rejects.toMatchObject({ name: 'RemoteError' });
    }
  });

  it('keeps identity and key packages through the store', async () => {
    expect(decodeIdentity(encodeIdentity(alice))).toEqual(alice);
    const own = await makeKeyPackage(alice);
    expect(decodeOwnKeyPackage(encodeOwnKeyPackage(own))).toEqual(own);
    expect(() => decodeIdentity(none)).toThrow('storage');
  });
});

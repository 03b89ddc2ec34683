import { createProposal, encodeMlsMessage } from 'ts-mls';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { signWithLabel } from 'ts-mls/crypto/signature.js';
import { leafNodeTBSEncoder } from 'ts-mls/leafNode.js';
import { expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { commitUpdate, decrypt } from '#web/core/conversation/handshake.ts';
import { makeIdentity, makeKeyPackage, type Identity } from '#web/core/conversation/identity.ts';
import * as mls from '#web/core/conversation/mls.ts';
import { suite } from '#web/core/conversation/suite.ts';

const NOW = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const rng = seededRng(new Uint8Array(32).fill(6));
const none = new Uint8Array(0);
const [alice, bob] = [1, 2].map((seed) =>
  makeIdentity(rng, signKeypair(new Uint8Array(32).fill(seed)), NOW + YEAR),
) as [Identity, Identity];

/** Bob's proposal of a leaf with the keys of `next`, which need not be those that he joined with. */
const proposal = async ({ state }: mls.Group, next: Identity): Promise<Uint8Array> => {
  const cs = await suite();
  const node = state.ratchetTree[2];
  if (node?.nodeType !== 'leaf') throw new Error('no leaf');
  const keys = await cs.hpke.generateKeyPair();
  const content = {
    hpkePublicKey: await cs.hpke.exportPublicKey(keys.publicKey),
    signaturePublicKey: next.signaturePublic,
    credential: { credentialType: 'basic' as const, identity: next.credential },
    capabilities: node.leaf.capabilities,
    leafNodeSource: 'update' as const,
    extensions: [],
  };
  const { groupId } = state.groupContext;
  const signed = encode(leafNodeTBSEncoder)({ ...content, groupId, leafIndex: 1 });
  const signature = await signWithLabel(next.signatureSecret, 'LeafNodeTBS', signed, cs.signature);
  const update = { leafNode: { ...content, signature } };
  return encodeMlsMessage(
    (await createProposal(state, false, { proposalType: 'update', update }, cs, none)).message,
  );
};

it('the key that signs for a member of a conversation stays the same in it, whatever the address signs', async () => {
  const own = await makeKeyPackage(bob);
  const contact = { address: bob.address, keyPackage: own.public };
  const { group: a, welcome } = await mls.createGroup(rng, alice, contact, NOW);
  const { group: b } = await mls.joinGroup(bob, [own], welcome, NOW);
  const commitOf = async (next: Identity): Promise<unknown> => {
    const heard = await decrypt(a, await proposal(b, next));
    return commitUpdate(heard.group, none);
  };
  const renewed = {
    ...bob,
    credential: makeIdentity(rng, signKeypair(new Uint8Array(32).fill(2)), NOW).credential,
  };
  await expect(commitOf(bob)).resolves.toBeDefined();
  // Signed by Bob's address, for another key than the leaf has.
  await expect(commitOf(renewed)).rejects.toMatchObject({ code: 'bad-signature' });
  const other = makeIdentity(rng, signKeypair(new Uint8Array(32).fill(2)), NOW + YEAR);
  await expect(commitOf(other)).rejects.toMatchObject({ code: 'bad-signature' });
  expect(mls.partiesOf(a).other).toEqual({ address: bob.address, key: bob.signaturePublic });
  expect(mls.partiesOf(b).own).toEqual(mls.partiesOf(a).other);
});

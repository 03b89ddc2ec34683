import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { encodeEnvelope } from '#web/core/conversation/content.ts';
import { commitUpdate, decrypt, proposeUpdate } from '#web/core/conversation/handshake.ts';
import { encodeFrame } from '#web/core/conversation/frames.ts';
import { makeIdentity, makeKeyPackage } from '#web/core/conversation/identity.ts';
import * as mls from '#web/core/conversation/mls.ts';

const NOW = 1_800_000_000_000;
const CHUNK = 16_384;
const zeros = (length: number): Uint8Array => new Uint8Array(length);

/** Bytes of the frames that a client gives to a channel, made by the client's own code. */
export type FrameLengths = {
  /** A text of one line, and a longer one. */
  texts: number[];
  /** An acknowledgement, which is what tells the sender that a message was delivered. */
  receipt: number;
  /** One chunk of a file. */
  chunk: number;
  /** Proposing a fresh key, and committing to one. */
  updates: number[];
};

export const frameLengths = async (): Promise<FrameLengths> => {
  const rng = seededRng(zeros(32).fill(5));
  const [a, b] = [1, 2].map((seed) => makeIdentity(rng, signKeypair(zeros(32).fill(seed)), 2 * NOW));
  if (!a || !b) throw new Error('two identities');
  const own = await makeKeyPackage(b);
  const { group, welcome } = await mls.createGroup(
    rng,
    a,
    { address: b.address, keyPackage: own.public },
    NOW,
  );
  const joined = await mls.joinGroup(b, [own], welcome, NOW);
  const groupId = mls.groupIdOfGroup(group);
  const item = (ciphertext: Uint8Array): number =>
    encodeFrame({ type: 'item', groupId, seq: 1, ciphertext }).length;
  const text = async (length: number): Promise<number> => {
    const content = {
      type: 'text',
      text: 'a'.repeat(length),
      replyTo: undefined,
      expires: undefined,
    } as const;
    const payload = encodeEnvelope({ id: rng(16), time: NOW, content });
    return item((await mls.encrypt(group, payload, zeros(8))).ciphertext);
  };
  const proposed = await proposeUpdate(joined.group, zeros(8));
  const heard = await decrypt(group, proposed.ciphertext);
  const committed = await commitUpdate(heard.group, zeros(8));
  return {
    texts: [await text(30), await text(300)],
    receipt: encodeFrame({ type: 'ack', groupId, epoch: 1, nonce: rng(12), sealed: zeros(24) }).length,
    chunk: encodeFrame({ type: 'chunk', groupId, file: rng(16), offset: 0, sealed: zeros(CHUNK + 16) })
      .length,
    updates: [item(proposed.ciphertext), item(committed.ciphertext)],
  };
};

import { fixed, struct, u64, type Value } from '#shared/bytes/codec.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { mailboxId } from '#shared/directory/mail.ts';
import type { Mailbox } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';

/** A mailbox of this user's as it is kept: the seeds of its Ed25519 key and its X-Wing key, and when they were made, ms. */
export const keptBoxCodec = struct({ signing: fixed(32), sealing: fixed(32), madeAt: u64 });
export type KeptBox = Value<typeof keptBoxCodec>;

/** With what its owner signs and opens, and what others need to know. */
export type Box = { keys: SignKeypair; secret: Uint8Array; public: Mailbox };

export const makeBox = (rng: Rng, now: Millis): KeptBox => ({
  signing: rng(32),
  sealing: rng(32),
  madeAt: now,
});

/** Making the keys costs, and they are wanted again and again. */
const made = new WeakMap<KeptBox, Box>();

export const boxOf = (kept: KeptBox): Box => {
  const known = made.get(kept);
  if (known) return known;
  const keys = signKeypair(kept.signing);
  const { secret, public: key } = xwingKeypair(kept.sealing);
  const box = { keys, secret, public: { mailbox: mailboxId(keys.public), key } };
  made.set(kept, box);
  return box;
};

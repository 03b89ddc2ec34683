import { encode, type Value } from '#shared/bytes/codec.ts';
import { presentation } from '#shared/contribution/statement.ts';
import { ticketScope, ticketSignal } from '#shared/rendezvous/ticket.ts';
import type { NodeId } from '#shared/units.ts';
import type { OnProgress } from '#circuits/prove.ts';
import type { Proofs } from './proofs.ts';
import { THRESHOLD, type Qualified } from './qualification.ts';

export type Presentation = Value<typeof presentation>;

type Use = { scope: bigint; signalHash: bigint };

/** A proof for one use, as it goes with the request that it pays for. Rejects as `Proofs.prove` does. */
export const present = async (
  proofs: Proofs,
  { epoch, root, holding }: Qualified,
  { scope, signalHash }: Use,
  onProgress?: OnProgress,
): Promise<Presentation> => {
  const claim = { root, epoch, scope, threshold: THRESHOLD, signalHash };
  const { nullifier, proof } = await proofs.prove({ claim, holding }, onProgress);
  return { epoch, threshold: THRESHOLD, nullifier, proof };
};

/** What admits an inbox of this tag at this exit. */
export const presentTicket = async (
  proofs: Proofs,
  qualified: Qualified,
  exit: NodeId,
  tag: Uint8Array,
): Promise<Uint8Array> => {
  const use = { scope: ticketScope(exit), signalHash: ticketSignal(exit, tag) };
  return encode(presentation, await present(proofs, qualified, use));
};

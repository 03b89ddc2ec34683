import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import { verifyHeartbeat, type DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Live } from '../stores/ports.ts';
import type { Audits } from './audits.ts';
import type { Circuit, RequestOf, Service } from './context.ts';
import { speaksFor } from './registry.ts';
import type { Routing } from './routing.ts';

export type HeartbeatOptions = {
  live: Live;
  routing: Routing;
  ttlMs: Millis;
  epochs: EpochPlan;
  audits: Pick<Audits, 'beat'>;
};

/** Epochs that a heartbeat may be off: it may be under way while one ends. */
const EPOCH_GRACE = 1;

/**
 * Keeps a registered node listed. It may come on another circuit than the registration did, since a node whose
 * circuit broke goes on over a new one; signals to the node then take the new one too.
 */
export class Heartbeat implements Service<'heartbeat'> {
  readonly #options: HeartbeatOptions;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Throws `refused`, `stale`, `replayed`, `bad-signature` or `not-registered`. */
  async handle(request: RequestOf<'heartbeat'>, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const { live, routing, ttlMs, epochs, audits } = this.#options;
    const { node, epoch, counter } = request;
    speaksFor(circuit, node);
    if (Math.abs(epoch - epochAt(now, epochs)) > EPOCH_GRACE) throw new RemoteError('stale', 'another epoch');
    if (counter <= circuit.counter) throw new RemoteError('replayed');
    if (!verifyHeartbeat(circuit.binding, request)) throw new RemoteError('bad-signature');
    circuit.node = node;
    circuit.counter = counter;

    const presence = await live.presence(node);
    if (!presence) throw new RemoteError('not-registered');
    await live.setPresence({ ...presence, seen: now }, ttlMs);
    await routing.add(node, circuit);
    return { type: 'beat', ...(await audits.beat(node, request, now)) };
  }
}

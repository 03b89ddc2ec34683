import { readDescriptor } from '#shared/directory/descriptor.ts';
import { verifyLeave, verifyRegister, type DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Archive, Live } from '../stores/ports.ts';
import type { Admission } from './admission.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';
import type { Routing } from './routing.ts';

export type RegistryOptions = {
  live: Live;
  archive: Archive;
  routing: Routing;
  admission: Admission;
  /** The directory's own id, which no node takes. */
  directory: NodeId;
  ttlMs: Millis;
  maxNodes: number;
  /** The members of the network are other ones than before. */
  changed(): void;
};

/** One circuit speaks for one node. Throws `refused`. */
export const speaksFor = (circuit: Circuit, node: NodeId): void => {
  if (circuit.node !== undefined && circuit.node !== node) {
    throw new RemoteError('refused', 'a circuit speaks for one node');
  }
};

/** A node whose circuit ended is given this long to come back by another, instead of its whole time to live. */
const LINGER_MS: Millis = 15_000;

/** The circuit on which a node spoke has ended. */
export const linger = async (
  { live, clock, ttlMs, changed }: Pick<RegistryOptions, 'live' | 'ttlMs' | 'changed'> & { clock: Clock },
  node: NodeId,
): Promise<void> => {
  if ((await live.routes(node)).length > 0) return;
  const presence = await live.presence(node);
  if (!presence) return;
  const spanMs = Math.min(LINGER_MS, presence.seen + ttlMs - clock.now());
  if (spanMs > 0) await live.setPresence(presence, spanMs);
  clock.after(Math.max(0, spanMs) + 1, changed);
};

/** Lists a node, until its heartbeats stop, its circuit ends for good, or it leaves. */
export class Register implements Service<'register'> {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Throws `malformed`, `bad-version`, `bad-signature`, `stale`, `refused` or `too-many`; may ask for work. */
  async handle(request: RequestOf<'register'>, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const { live, archive, routing, admission, directory, ttlMs, changed } = this.#options;
    const { id: node, published } = readDescriptor(request.descriptor).verify({ now });
    if (node === directory) throw new RemoteError('refused');
    speaksFor(circuit, node);
    if (!verifyRegister(node, circuit.binding, request)) throw new RemoteError('bad-signature');
    circuit.node = node;

    const before = await live.presence(node);
    if (before && before.published > published) throw new RemoteError('stale', 'a newer descriptor is known');
    const bits = before ? 0 : await this.#due(node, request.work, circuit, now);
    if (bits > 0) return { type: 'work', bits };
    const presence = {
      node,
      descriptor: request.descriptor,
      published,
      since: before?.since ?? now,
      seen: now,
    };
    await archive.putNodes([presence]);
    await live.setPresence(presence, ttlMs);
    if (!before) admission.admitted(circuit, request.work, now);
    await routing.add(node, circuit);
    if (before?.published !== published) changed();
    return ok;
  }

  /** Work that is still due from a node that is not there yet, in bits. */
  async #due(node: NodeId, work: number, circuit: Circuit, now: Millis): Promise<number> {
    const { live, admission, maxNodes } = this.#options;
    const nodes = await live.presenceCount();
    if (nodes >= maxNodes) throw new RemoteError('too-many', 'nodes');
    return admission.due({ node, work, circuit, nodes, now });
  }
}

/** Takes a node off the list at its own word. */
export class Leave implements Service<'leave'> {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Throws `refused`, `replayed` or `bad-signature`. */
  async handle(request: RequestOf<'leave'>, circuit: Circuit): Promise<typeof ok> {
    const { live, archive, routing, changed } = this.#options;
    speaksFor(circuit, request.node);
    if (request.counter <= circuit.counter) throw new RemoteError('replayed');
    if (!verifyLeave(circuit.binding, request)) throw new RemoteError('bad-signature');
    circuit.counter = request.counter;

    await archive.removeNode(request.node);
    await live.removePresence(request.node);
    await routing.remove(request.node, circuit);
    changed();
    return ok;
  }
}

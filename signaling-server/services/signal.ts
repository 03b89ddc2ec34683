import { hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { pushCodec } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';
import type { Routing } from './routing.ts';

/** Makes this circuit the one behind a random reply address. */
export class Listen implements Service<'listen'> {
  readonly #routing: Routing;

  constructor(routing: Routing) {
    this.#routing = routing;
  }

  /** Throws `too-many`. */
  async handle(request: RequestOf<'listen'>, circuit: Circuit): Promise<typeof ok> {
    await this.#routing.add(hex(request.reply), circuit);
    return ok;
  }
}

/** Passes a sealed signal on to a node or a reply address; what is in it only the receiver can open. */
export class Signal implements Service<'signal'> {
  readonly #routing: Routing;

  constructor(routing: Routing) {
    this.#routing = routing;
  }

  /** Throws `not-found` when no circuit listens there. */
  async handle({ to, sealed }: RequestOf<'signal'>): Promise<typeof ok> {
    const body = encode(pushCodec, { type: 'signal', sealed });
    if (!(await this.#routing.send(hex(to), body))) throw new RemoteError('not-found');
    return ok;
  }
}

import { decode, encode } from '#shared/bytes/codec.ts';
import {
  requestCodec,
  responseCodec,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import { codeOf, LocalError, RemoteError, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Circuit, RequestOf } from './context.ts';
import { Gate } from './gate.ts';
import type { Bucket, Limits } from './limits.ts';
import type { Services } from './table.ts';

export type RequestType = DirectoryRequest['type'];

/** What is counted of requests: sums over everybody. A request that does not parse has the type `unknown`. */
export type Counters = {
  /** A request was answered; `code` is `none` or the error's. */
  requestAnswered(type: string, code: Code, tookMs: Millis): void;
  /** One was refused; work that was asked for counts as `too-many`. */
  refused(where: string, code: Code): void;
};

export type DeskOptions = {
  clock: Clock;
  log: Logger;
  limits: Limits;
  services: Services;
  counters: Counters;
};

/** What a process that is about to stop takes on no more: another one will serve these. */
const ENDS_WITH_DRAINING: ReadonlySet<RequestType> = new Set(['register', 'listen', 'deposit']);

/** A store that is away fails every request; one line in so long says so. */
const STORE_LINE_MS: Millis = 10_000;

/** Answers requests within the limits of their circuit and of the process, and by no exception. */
export class Desk {
  /** Set while the process is about to stop. */
  draining = false;
  readonly #options: DeskOptions;
  readonly #gate: Gate;
  #saidAt: Millis = -Infinity;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#gate = new Gate(options.limits.total, options.limits.waiting);
  }

  /** Never rejects. */
  async answer(circuit: Circuit, body: Uint8Array): Promise<Uint8Array> {
    const began = this.#options.clock.now();
    const seen: { type: RequestType | 'unknown' } = { type: 'unknown' };
    circuit.pending += 1;
    try {
      const request = this.#read(circuit, body, began);
      seen.type = request.type;
      if (this.draining && ENDS_WITH_DRAINING.has(request.type))
        throw new LocalError('try-later', 'about to stop');
      const response = await this.#gate.run(() => this.#dispatch(request, circuit, began));
      const answer = encode(responseCodec, response);
      this.#count(seen.type, response.type === 'work' ? 'too-many' : 'none', began);
      return answer;
    } catch (error) {
      const code = this.#codeOf(error, began);
      this.#count(seen.type, code, began);
      return encode(responseCodec, { type: 'error', code });
    } finally {
      circuit.pending -= 1;
    }
  }

  #read(circuit: Circuit, body: Uint8Array, now: Millis): DirectoryRequest {
    if (circuit.pending > this.#options.limits.pending)
      throw new RemoteError('too-many', 'requests under way');
    const request = decode(requestCodec, body);
    if (!bucketOf(circuit, request.type).take(now)) throw new RemoteError('too-many', 'requests a minute');
    return request;
  }

  #dispatch<K extends RequestType>(
    request: RequestOf<K>,
    circuit: Circuit,
    now: Millis,
  ): Promise<DirectoryResponse> {
    const service = this.#options.services[request.type as K];
    return service.handle(request, circuit, now);
  }

  /** A store that is away is nothing that who asks could mend: they may come again. */
  #codeOf(error: unknown, now: Millis): Code {
    const { log } = this.#options;
    const code = codeOf(error);
    if (error instanceof RemoteError || code === 'try-later') {
      log.debug({ code }, 'request refused');
      return code;
    }
    if (code !== 'storage') log.error({ err: error }, 'request failed');
    else if (now - this.#saidAt >= STORE_LINE_MS) {
      this.#saidAt = now;
      log.error({ err: error }, 'requests fail: the store is away');
    }
    return code === 'storage' ? 'try-later' : code;
  }

  #count(type: RequestType | 'unknown', code: Code, began: Millis): void {
    const { counters, clock } = this.#options;
    counters.requestAnswered(type, code, clock.now() - began);
    if (code !== 'none') counters.refused('request', code);
  }
}

const bucketOf = (circuit: Circuit, type: RequestType): Bucket => {
  if (type === 'signal') return circuit.signals;
  return type === 'deposit' ? circuit.deposits : circuit.requests;
};

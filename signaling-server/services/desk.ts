import { decode, encode } from '#shared/bytes/codec.ts';
import {
  isCostly,
  requestCodec,
  responseCodec,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import type { Params } from '#shared/directory/consensus.ts';
import type { Token } from '#shared/directory/tokens.ts';
import { codeOf, LocalError, RemoteError, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Circuit, RequestOf } from './context.ts';
import { Gate } from './gate.ts';
import type { Bucket, Limits } from './limits.ts';
import type { ServedType, Services } from './table.ts';

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
  policy(): Params['policy'];
  /** Throws what is wrong with the token. */
  spend(token: Token, request: Uint8Array, now: Millis): Promise<void>;
  counters: Counters;
};

/** What a process that is about to stop takes on no more: another one will serve these. */
const ENDS_WITH_DRAINING: ReadonlySet<ServedType> = new Set(['register', 'listen', 'deposit']);

/** A store that is away fails every request; one line in so long says so. */
const STORE_LINE_MS: Millis = 10_000;

/** A request, and what pays for it: the token and the request's bytes. */
type Opened = { request: RequestOf<ServedType>; payment?: { token: Token; body: Uint8Array } };

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
    const seen: { type: ServedType | 'unknown' } = { type: 'unknown' };
    circuit.pending += 1;
    try {
      const opened = this.#read(circuit, body, began);
      seen.type = opened.request.type;
      if (this.draining && ENDS_WITH_DRAINING.has(opened.request.type))
        throw new LocalError('try-later', 'about to stop');
      const response = await this.#gate.run(() => this.#serve(opened, circuit, began));
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

  /** What a token pays for counts, by all limits, as what it is. */
  #read(circuit: Circuit, body: Uint8Array, now: Millis): Opened {
    if (circuit.pending > this.#options.limits.pending)
      throw new RemoteError('too-many', 'requests under way');
    const opened = open(decode(requestCodec, body));
    if (!bucketOf(circuit, opened.request.type).take(now))
      throw new RemoteError('too-many', 'requests a minute');
    return opened;
  }

  async #serve({ request, payment }: Opened, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const { policy, spend } = this.#options;
    if (payment) await spend(payment.token, payment.body, now);
    else if (isCostly(request) && policy() === 'enforce') throw new RemoteError('token-needed');
    return this.#dispatch(request.type, request, circuit, now);
  }

  #dispatch<K extends ServedType>(
    type: K,
    request: RequestOf<K>,
    circuit: Circuit,
    now: Millis,
  ): Promise<DirectoryResponse> {
    return this.#options.services[type].handle(request, circuit, now);
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

  #count(type: ServedType | 'unknown', code: Code, began: Millis): void {
    const { counters, clock } = this.#options;
    counters.requestAnswered(type, code, clock.now() - began);
    if (code !== 'none') counters.refused('request', code);
  }
}

/** Throws `malformed` where a token would pay for what costs none. */
const open = (request: DirectoryRequest): Opened => {
  if (request.type !== 'paid') return { request };
  const { token, request: body } = request;
  const inner = decode(requestCodec, body);
  if (!isCostly(inner)) throw new RemoteError('malformed', 'nothing that costs a token');
  return { request: inner, payment: { token, body } };
};

const bucketOf = (circuit: Circuit, type: ServedType): Bucket => {
  if (type === 'signal') return circuit.signals;
  if (type === 'audit') return circuit.audits;
  return type === 'deposit' ? circuit.deposits : circuit.requests;
};

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Millis } from '#shared/units.ts';
import type { Config } from './config.ts';
import { failed, ok, reason, skipped, type Check, type Outcome } from './doctor-check.ts';
import {
  answerType,
  attribute,
  errorNumber,
  isAuthentic,
  messageType,
  newTransaction,
  readStun,
  stunRequest,
  type Attribute,
  type LongTerm,
  type StunMessage,
} from './stun.ts';
import { turnServer } from './turn.ts';

const DEFAULT_PORT = 3478;
/** Waits between the sendings of one request, by RFC 8489 section 6.2.1, given up earlier. */
const RESEND_MS = [500, 1_000, 2_000];

/** A UDP socket that speaks with one server. */
export class StunClient {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(host: string, port: number): Promise<StunClient> {
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => undefined);
    socket.connect(port, address);
    await once(socket, 'connect');
    return new StunClient(socket);
  }

  /** The answer to a request, or undefined when none comes; one with a credential is signed, and its success must be. */
  async ask(type: number, attributes: Attribute[], credential?: LongTerm): Promise<StunMessage | undefined> {
    const transaction = newTransaction();
    const request = stunRequest(type, transaction, attributes, credential);
    const { success, error } = answerType(type);
    for (const waitMs of RESEND_MS) {
      const answer = await this.#exchange(request, waitMs, (bytes) => {
        const message = readStun(bytes);
        if (!message || Buffer.compare(message.transaction, transaction) !== 0) return undefined;
        if (message.type === error) return message;
        if (message.type !== success || (credential && !isAuthentic(bytes, credential))) return undefined;
        return message;
      });
      if (answer) return answer;
    }
    return undefined;
  }

  close(): void {
    this.#socket.close();
  }

  #exchange<T>(request: Buffer, waitMs: Millis, accept: (bytes: Buffer) => T | undefined) {
    return new Promise<T | undefined>((done) => {
      const end = (answer?: T): void => {
        clearTimeout(timer);
        this.#socket.off('message', take);
        done(answer);
      };
      const take = (bytes: Buffer): void => {
        const answer = accept(bytes);
        if (answer !== undefined) end(answer);
      };
      const timer = setTimeout(end, waitMs);
      this.#socket.on('message', take);
      this.#socket.send(request);
    });
  }
}

/** One check for each STUN and TURN address that clients are given. */
export const iceChecks = ({ iceServers, turn }: Config, now: () => Millis): Check[] => {
  const servers = turn ? [...iceServers, turnServer(turn, now())] : iceServers;
  const checks = servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().map((url) => ({ name: url, run: () => iceOutcome(url, username, credential) })),
  );
  if (checks.length > 0) return checks;
  const said = 'neither HG_ICE_SERVERS nor HG_TURN_URLS is set; over the internet nodes need one of them';
  return [{ name: 'STUN and TURN', run: async () => skipped(said) }];
};

/** RFC 7064 section 3.1 and RFC 7065 section 3.1. */
const ICE_URL = /^(stuns?|turns?):(\[[0-9a-f:]+\]|[^:?]+)(?::(\d{1,5}))?(?:\?transport=(\w+))?$/i;

const iceOutcome = async (url: string, username?: string, credential?: string): Promise<Outcome> => {
  const [, scheme, host, port, transport = 'udp'] = ICE_URL.exec(url) ?? [];
  if (scheme === undefined || host === undefined) return failed('is no address that browsers can read');
  if (scheme.endsWith('s') || transport !== 'udp') return skipped('only UDP is tried');
  let client: StunClient | undefined;
  try {
    client = await StunClient.open(host.replace(/^\[|\]$/g, ''), Number(port ?? DEFAULT_PORT));
    if (scheme === 'stun') return await bindingOutcome(client);
    if (username === undefined || credential === undefined)
      return failed('has no username and credential, without which browsers do not use it');
    return await allocateOutcome(client, username, credential);
  } catch (error) {
    return failed(`${reason(error)}: see the name in the address`);
  } finally {
    client?.close();
  }
};

const silent = failed('no answer by UDP: is the server running, and its port open?');

const bindingOutcome = async (client: StunClient): Promise<Outcome> => {
  const answer = await client.ask(messageType.binding, []);
  if (!answer) return silent;
  return answer.attributes.has(attribute.mappedAddress)
    ? ok('tells who asks where he is seen')
    : failed(`refuses with ${String(errorNumber(answer))}`);
};

const UNAUTHENTICATED = 401;
const STALE_NONCE = 438;
/** UDP, in the first of four bytes. */
const TRANSPORT_UDP = Uint8Array.of(17, 0, 0, 0);
const NO_LIFETIME = new Uint8Array(4);

/** RFC 8656 section 7: asked without a name it must refuse and name its realm; then it is asked in the user's name. */
const allocateOutcome = async (client: StunClient, username: string, password: string): Promise<Outcome> => {
  const wish: Attribute[] = [[attribute.requestedTransport, TRANSPORT_UDP]];
  let answer = await client.ask(messageType.allocate, wish);
  if (!answer) return silent;
  if (errorNumber(answer) === 0) return failed('relays for anybody: set use-auth-secret there');
  let credential: LongTerm | undefined;
  for (const code of [UNAUTHENTICATED, STALE_NONCE]) {
    const [realm, nonce] = [attribute.realm, attribute.nonce].map((type) => answer?.attributes.get(type));
    if (errorNumber(answer) !== code || !realm || !nonce) break;
    credential = { username, password, realm, nonce };
    answer = await client.ask(messageType.allocate, wish, credential);
    if (!answer) return failed('does not answer a signed request');
  }
  if (!credential || !answer.attributes.has(attribute.relayedAddress)) return refusedOutcome(answer);
  await client.ask(messageType.refresh, [[attribute.lifetime, NO_LIFETIME]], credential);
  return ok('relays for who has credentials of this server, and for nobody else');
};

const refusedOutcome = (answer: StunMessage): Outcome => {
  const number = errorNumber(answer);
  if (number === UNAUTHENTICATED)
    return failed('does not take the credentials: HG_TURN_SECRET has to be its static-auth-secret');
  return failed(`refuses to relay with ${String(number)}: see its log`);
};

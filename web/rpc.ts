/**
 * `ClientApi` and its events over one `MessagePort`. Three messages cross it, all plain objects:
 *
 *   call    { call: number, method: string, args: unknown[] }        page → core
 *   answer  { answer: number, result } or { answer: number, error: { code, message } }   core → page
 *   event   { event: ClientEvent }                                   core → page
 *
 * A port keeps order, so an event that arrives before the answer to `state()` is already part of that state.
 */
import type { ClientApi, ClientEvent } from '#web/api.ts';

/** What this module needs of a port: the browser's and Node's both have it. */
export type Port = {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  start?(): void;
};

export type Unsubscribe = () => void;
export type Subscribe = (listener: (event: ClientEvent) => void) => Unsubscribe;

/** A rejection of `ClientApi` as it arrives on the page: `code` is one of `shared/errors.ts`. */
export class ClientError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
  }
}

// A record, so that the compiler asks for every method of the API and nothing beside them can be called.
const methods: Record<keyof ClientApi, true> = {
  state: true,
  start: true,
  setName: true,
  setRelaying: true,
  setReadReceipts: true,
  setHideAddress: true,
  setCover: true,
  setPicture: true,
  setHandle: true,
  createInvite: true,
  invites: true,
  revokeInvite: true,
  previewInvite: true,
  acceptInvite: true,
  addByHandle: true,
  answerRequest: true,
  block: true,
  safetyNumber: true,
  compareCode: true,
  setVerified: true,
  acknowledgeKey: true,
  createGroup: true,
  addMembers: true,
  removeMember: true,
  leaveGroup: true,
  renameGroup: true,
  messages: true,
  send: true,
  retry: true,
  react: true,
  deleteMessage: true,
  setTimer: true,
  saveDraft: true,
  search: true,
  sendFile: true,
  files: true,
  takeFile: true,
  cancelFile: true,
  fileContent: true,
  markRead: true,
  newCircuit: true,
  isSigned: true,
  connect: true,
  disconnect: true,
  avoid: true,
  setPassphrase: true,
  recoveryPhrase: true,
  keepPhrase: true,
  backup: true,
  readBackup: true,
  restoreBackup: true,
  setServerBackup: true,
  eraseEverything: true,
  setRelayLimits: true,
  setSurroundings: true,
  setMostNeighbours: true,
  lookAgain: true,
  stop: true,
};

type Call = { call: number; method: keyof ClientApi; args: unknown[] };
type Failure = { code: string; message: string };
type Answer = { answer: number; result: unknown } | { answer: number; error: Failure };

function readCall(data: unknown): Call | undefined {
  if (typeof data !== 'object' || data === null || !('call' in data)) return undefined;
  const { call, method, args } = data as { call: unknown; method?: unknown; args?: unknown };
  if (typeof call !== 'number' || typeof method !== 'string' || !Array.isArray(args)) return undefined;
  if (!Object.hasOwn(methods, method)) return undefined;
  return { call, method: method as keyof ClientApi, args };
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return { code: typeof code === 'string' ? code : 'internal', message };
}

/** The core's end: runs each call on `client` and forwards every event. Returns what ends both. */
export function serveClient(port: Port, client: ClientApi, subscribe: Subscribe): Unsubscribe {
  const onMessage = ({ data }: { data: unknown }): void => {
    const request = readCall(data);
    if (!request) return;
    const method = client[request.method] as (...args: unknown[]) => Promise<unknown>;
    const answer = (body: { result: unknown } | { error: Failure }): void =>
      port.postMessage({ answer: request.call, ...body });
    // Inside a promise, so that a method that throws before its first await is answered as well.
    Promise.resolve()
      .then(() => method.apply(client, request.args))
      .then(
        (result) => answer({ result }),
        (error: unknown) => answer({ error: failureOf(error) }),
      );
  };
  port.addEventListener('message', onMessage);
  const unsubscribe = subscribe((event) => port.postMessage({ event }));
  port.start?.();
  return () => {
    unsubscribe();
    port.removeEventListener('message', onMessage);
  };
}

type Pending = { resolve(result: unknown): void; reject(error: ClientError): void };

/** The page's end. Events that come while nobody listens are dropped: `state()` covers them. */
export function connectClient(port: Port): { client: ClientApi; events: Subscribe } {
  const pending = new Map<number, Pending>();
  const listeners = new Set<(event: ClientEvent) => void>();
  let calls = 0;

  port.addEventListener('message', ({ data }) => {
    if (typeof data !== 'object' || data === null) return;
    if ('event' in data) {
      for (const listener of [...listeners]) listener(data.event as ClientEvent);
    } else if ('answer' in data) {
      const answer = data as Answer;
      const waiting = pending.get(answer.answer);
      pending.delete(answer.answer);
      if ('error' in answer) waiting?.reject(new ClientError(answer.error.code, answer.error.message));
      else waiting?.resolve(answer.result);
    }
  });
  port.start?.();

  const call = (method: keyof ClientApi, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++calls;
      pending.set(id, { resolve, reject });
      port.postMessage({ call: id, method, args });
    });
  const names = Object.keys(methods) as (keyof ClientApi)[];
  const client = Object.fromEntries(
    names.map((method) => [method, (...args: unknown[]) => call(method, args)]),
  ) as unknown as ClientApi;

  return {
    client,
    events(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

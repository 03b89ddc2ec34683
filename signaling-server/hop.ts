import { xwingKeypair } from '#shared/crypto/kem.ts';
import { Driver } from '#shared/driver/driver.ts';
import type { Carrier } from '#shared/link/carrier.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { nodeIdBytes, type LinkId } from '#shared/units.ts';
import type { DirectoryKeys } from './keys.ts';
import { systemRng } from './rng.ts';
import type { Hop, HopOptions } from './server.ts';

/** The directory as a hop: the same node as everywhere, under links that come in and none that go out. */
export const createHop = ({ keys, log, clock, request, closed, refused }: HopOptions): Hop => {
  const carriers = new Map<LinkId, Carrier>();
  let lastLink = 0;
  const node = new Node({ keys: nodeKeys(keys), rng: systemRng, now: clock.now(), role: 'directory' });
  const unused = (): void => undefined;
  const driver = new Driver(node, {
    now: clock.now,
    rng: systemRng,
    timer: clock.after,
    later: oneByOne(),
    openWebSocket: unused,
    createPeer: unused,
    signalPeer: unused,
    openPass: unused,
    fetchConsensus: unused,
    send: (link, data) => carriers.get(link)?.send(data),
    closeLink(link) {
      carriers.get(link)?.close();
      carriers.delete(link);
    },
    event(event) {
      onEvent(event);
    },
  });

  const onEvent = (event: NodeEvent): void => {
    if (event.type === 'request') void answer(event);
    else if (event.type === 'circuit-closed') closed(event.circuit);
    else if (event.type === 'fault') log.error({ err: event.error }, 'fault in the node');
    else if (event.type === 'refused') {
      log.debug({ where: event.where, code: event.code }, 'refused');
      refused(event.where, event.code);
    }
  };

  const answer = async (event: Extract<NodeEvent, { type: 'request' }>): Promise<void> => {
    const { circuit, stream, binding } = event;
    const body = await request({ handle: circuit, binding }, event.body);
    driver.input({ type: 'command', command: { type: 'respond', circuit, stream, body } });
  };

  return {
    accept(carrier) {
      lastLink += 1;
      const link = lastLink as LinkId;
      carriers.set(link, carrier);
      driver.input({ type: 'link-accepted', link });
      return {
        message: (data) => {
          driver.input({ type: 'link-data', link, data });
        },
        closed: () => {
          carriers.delete(link);
          driver.input({ type: 'link-closed', link });
        },
      };
    },
    push(circuit, body) {
      driver.input({ type: 'command', command: { type: 'push', circuit, body } });
      return true;
    },
    stop() {
      driver.stop();
    },
  };
};

/** Nobody signals to the directory, so its signalling key is only there to be complete. */
const nodeKeys = ({ id, signing, onion }: DirectoryKeys): NodeKeys => ({
  ...{ id, idBytes: nodeIdBytes(id), secret: signing.secret, onion },
  signalling: xwingKeypair(systemRng(32)),
});

/** One piece of slow work in a turn of the event loop, so that cells pass between two. */
const oneByOne = (): ((run: () => void) => void) => {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return (run) => {
    waiting.push(run);
    if (waiting.length === 1) setImmediate(next);
  };
};

import { collectingEnd, linkScenarios, type LinkMaker, watchBuffer } from '#tests/contract/links.ts';
import { joinedPeers } from '#tests/support/joined-peers.ts';
import { bridgeChannel } from '#web/transport/bridge.ts';
import { carrierOfChannel } from '#web/transport/channel.ts';
import { type Party, party } from './party.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** Where a link's carriers are: in the page, in a worker that holds the channels, or in one behind a bridge. */
export type Place = 'page' | 'worker' | 'bridge';

export type LinksPage = { run(place: Place, scenario: string): Promise<void>; party: Party };

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const listeners = new Map<number, (message: FromWorker) => void>();
worker.onmessage = ({ data }: MessageEvent<FromWorker>) => listeners.get(data.end)?.(data);
let ends = 0;

const post = (message: ToWorker, transfer: Transferable[] = []): void =>
  worker.postMessage(message, transfer);

/** Gives the channel to the worker and steers its carrier from here. */
const inWorker = (
  collecting: ReturnType<typeof collectingEnd>,
  channel: RTCDataChannel,
  bridged: boolean,
  note: (bytes: number) => void,
): void => {
  const end = ends++;
  listeners.set(end, (message) => {
    if (message.type === 'open') collecting.events.open();
    if (message.type === 'message') collecting.events.message(message.message);
    if (message.type === 'closed') collecting.events.closed();
    if (message.type === 'buffered') note(message.bytes);
  });
  if (bridged) {
    watchBuffer(channel, note);
    const { port1, port2 } = new MessageChannel();
    bridgeChannel(channel, port1);
    post({ end, type: 'port', port: port2 }, [port2]);
  } else {
    post({ end, type: 'channel', channel }, [channel as unknown as Transferable]);
  }
  collecting.carrier = {
    send: (message) => post({ end, type: 'send', message }),
    close: () => post({ end, type: 'close' }),
  };
};

const makerAt =
  (place: Place): LinkMaker =>
  () => {
    const a = collectingEnd();
    const b = collectingEnd();
    let most = 0;
    const note = (bytes: number): void => void (most = Math.max(most, bytes));
    const peers = joinedPeers({}, (side, channel) => {
      const end = side === 'a' ? a : b;
      if (place === 'page') {
        watchBuffer(channel, note);
        end.carrier = carrierOfChannel(channel, end.events);
      } else {
        inWorker(end, channel, place === 'bridge', note);
      }
    });
    return Promise.resolve({ a, b, mostBuffered: () => most, dispose: () => peers.close() });
  };

const links: LinksPage = {
  async run(place, name) {
    const scenario = linkScenarios.find((each) => each.name === name);
    if (!scenario) throw new Error(`no scenario ${name}`);
    const pair = await makerAt(place)();
    try {
      await scenario.run(pair);
    } finally {
      pair.dispose();
    }
  },
  party: party(),
};
Object.assign(window, { links });

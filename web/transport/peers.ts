/// <reference path="./simple-peer.d.ts" />
import SimplePeer from 'simple-peer/simplepeer.min.js';
import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { quietly } from './ending.ts';
import { packSdp, unpackSdp } from './sdp.ts';

/** The constructors of a WebRTC stack, where there is no browser's own. */
export type Wrtc = {
  RTCPeerConnection: typeof RTCPeerConnection;
  RTCSessionDescription: typeof RTCSessionDescription;
  RTCIceCandidate: typeof RTCIceCandidate;
};

export type PeersOptions = {
  wrtc?: Wrtc;
  iceServers: RTCIceServer[];
  /** Connect through TURN servers alone, so that neighbours do not see this machine's address. */
  relayOnly?: boolean;
  /** Which candidates, by their address, are told and tried; all, if it is not given. */
  keepCandidate?: (address: string) => boolean;
  /**
   * Takes a new link's channel, not open yet, in the very task in which it came to be: only then can it be transferred
   * to a worker, and only then is no message lost.
   */
  carry: (link: LinkId, channel: RTCDataChannel) => void;
  events: {
    /** The one description of this side, to be brought to the other. */
    session(link: LinkId, session: Session): void;
    /** It failed, ended, or did not open in time. Not called for what was closed here. */
    closed(link: LinkId): void;
  };
};

/** simple-peer keeps a channel of its own for opening and closing; the cells' own is this one, on both sides. */
const CELLS = { label: 'cells', options: { negotiated: true, id: 100, ordered: true } } as const;

const OPEN_TIMEOUT_MS = 15_000;

/** The descriptions travel once, whole: candidates that take longer than this to gather are left out. */
const GATHERING_MS = 2_000;

/**
 * Chromium counts closed connections against its cap of about 500 until they are collected, and a burst of buffers
 * brings that about.
 */
const COLLECT_EVERY = 200;
const COLLECT_BUFFERS = 64;
const COLLECT_BUFFER_BYTES = 1024 * 1024;

type Peer = {
  instance: SimplePeer.Instance;
  initiator: boolean;
  signalled: boolean;
  timer: ReturnType<typeof setTimeout>;
};

/** simple-peer hides its connection, but has no other way to a second channel. */
type WithConnection = { _pc: RTCPeerConnection };

/** The WebRTC connections of a node, one for each link. Nothing here throws. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<LinkId, Peer>();
  #iceServers: RTCIceServer[];
  #relayOnly: boolean;
  #made = 0;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#iceServers = options.iceServers;
    this.#relayOnly = options.relayOnly ?? false;
  }

  /** For connections that are made from now on: TURN credentials expire. */
  useIceServers(iceServers: RTCIceServer[], relayOnly: boolean): void {
    this.#iceServers = iceServers;
    this.#relayOnly = relayOnly;
  }

  /** The initiator makes the offer. A link that exists is left as it is. */
  create(link: LinkId, initiator: boolean): void {
    if (this.#peers.has(link)) return;
    if (!quietly(() => this.#create(link, initiator))) this.#fail(link);
  }

  /** The other side's description: of an answer for the initiator, else of an offer. A second one is ignored. */
  signal(link: LinkId, session: Session): void {
    const peer = this.#peers.get(link);
    if (!peer || peer.signalled) return;
    peer.signalled = true;
    const due = peer.initiator ? 'answer' : 'offer';
    const keep = this.#options.keepCandidate ?? (() => true);
    const candidates = session.candidates.filter(({ address }) => keep(address));
    const taken =
      session.kind === due &&
      quietly(() => {
        peer.instance.signal(unpackSdp({ ...session, candidates }));
      });
    if (!taken) this.#fail(link);
  }

  close(link: LinkId): void {
    const peer = this.#peers.get(link);
    if (!peer) return;
    this.#peers.delete(link);
    clearTimeout(peer.timer);
    quietly(() => void peer.instance.destroy());
  }

  closeAll(): void {
    for (const link of [...this.#peers.keys()]) this.close(link);
  }

  #create(link: LinkId, initiator: boolean): void {
    this.#collect();
    const { wrtc } = this.#options;
    const instance = new SimplePeer({
      initiator,
      trickle: false,
      objectMode: true,
      iceCompleteTimeout: GATHERING_MS,
      config: { iceServers: this.#iceServers, iceTransportPolicy: this.#relayOnly ? 'relay' : 'all' },
      ...(wrtc && { wrtc }),
    });
    const timer = setTimeout(() => this.#fail(link), OPEN_TIMEOUT_MS);
    this.#peers.set(link, { instance, initiator, signalled: false, timer });
    const lost = (): void => {
      if (this.#peers.get(link)?.instance === instance) this.#fail(link);
    };
    instance.on('error', lost);
    instance.on('close', lost);
    instance.on('connect', () => clearTimeout(timer));
    instance.on('signal', (data: SimplePeer.SignalData) => this.#onSignal(link, instance, data));
    const connection = (instance as unknown as WithConnection)._pc;
    this.#options.carry(link, connection.createDataChannel(CELLS.label, CELLS.options));
  }

  #onSignal(link: LinkId, instance: SimplePeer.Instance, data: SimplePeer.SignalData): void {
    if (this.#peers.get(link)?.instance !== instance) return;
    if (data.type !== 'offer' && data.type !== 'answer') return;
    const { type, sdp } = data;
    let session: Session | undefined;
    quietly(() => (session = packSdp(type, sdp ?? '', this.#options.keepCandidate)));
    if (session) this.#options.events.session(link, session);
    else this.#fail(link);
  }

  #fail(link: LinkId): void {
    this.close(link);
    queueMicrotask(() => {
      if (!this.#peers.has(link)) this.#options.events.closed(link);
    });
  }

  #collect(): void {
    this.#made += 1;
    if (this.#options.wrtc || this.#made % COLLECT_EVERY !== 0) return;
    for (let i = 0; i < COLLECT_BUFFERS; i++) new ArrayBuffer(COLLECT_BUFFER_BYTES);
  }
}

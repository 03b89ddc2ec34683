/// <reference path="./simple-peer.d.ts" />
import SimplePeer from 'simple-peer/simplepeer.min.js';
import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { quietly } from './ending.ts';
import { packSdp, unpackCandidates, unpackSdp } from './sdp.ts';

/** The constructors of a WebRTC stack, where there is no browser's own. */
export type Wrtc = {
  RTCPeerConnection: typeof RTCPeerConnection;
  RTCSessionDescription: typeof RTCSessionDescription;
  RTCIceCandidate: typeof RTCIceCandidate;
  /**
   * The answering side has to let it speak first, which its offers say by the setup `active`. libdatachannel begins the
   * handshake on a thread of its own a moment before it has stored the fingerprint to check, and fails when
   * the other side's checks were under way before the answer came.
   */
  speaksFirst?: boolean;
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
    /** It goes through a TURN server, of either side; or it did and does not any more. */
    relayed?(link: LinkId, on: boolean): void;
    /** It failed, ended, or did not open in time. Not called for what was closed here. */
    closed(link: LinkId): void;
  };
};

/** simple-peer keeps a channel of its own for opening and closing; the cells' own is this one, on both sides. */
const CELLS = { label: 'cells', options: { negotiated: true, id: 100, ordered: true } } as const;

const OPEN_TIMEOUT_MS = 15_000;

/** A connection may change to a better pair of candidates when it is open already. */
const SETTLED_MS = 5_000;

/** The descriptions travel once, whole: candidates that take longer than this to gather are left out. */
const GATHERING_MS = 2_000;

/** Who answers and cannot be reached until it has sent something itself pays with this delay. */
const SPEAKS_FIRST_MS = 500;

/** The one message that ever goes over simple-peer's own channel. */
const GOODBYE = 'end';

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
  relayed: boolean;
};

/** simple-peer hides its connection, but has no other way to a second channel. */
const connectionOf = (instance: SimplePeer.Instance): RTCPeerConnection =>
  (instance as unknown as { _pc: RTCPeerConnection })._pc;

type Stats = Record<string, unknown>;

/** W3C webrtc-stats; where there is no report on the transport, the pair that was nominated counts. */
const isRelayed = async (connection: RTCPeerConnection): Promise<boolean> => {
  const stats = [...((await connection.getStats()) as unknown as Map<string, Stats>).values()];
  const byId = (id: unknown): Stats | undefined => stats.find((each) => each['id'] === id);
  const transport = stats.find((each) => each['type'] === 'transport');
  const nominated = stats.find((each) => each['type'] === 'candidate-pair' && each['nominated'] === true);
  const pair = byId(transport?.['selectedCandidatePairId']) ?? nominated;
  return [pair?.['localCandidateId'], pair?.['remoteCandidateId']].some(
    (id) => byId(id)?.['candidateType'] === 'relay',
  );
};

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
    const kept = { ...session, candidates: session.candidates.filter(({ address }) => keep(address)) };
    const later = session.kind === 'offer' && session.setup === 'active';
    const taken =
      session.kind === due &&
      quietly(() => {
        peer.instance.signal(unpackSdp(kept, { later }));
      });
    if (!taken) this.#fail(link);
    else if (later) setTimeout(() => this.#addCandidates(link, peer, kept), SPEAKS_FIRST_MS);
  }

  close(link: LinkId): void {
    const peer = this.#peers.get(link);
    if (!peer) return;
    this.#peers.delete(link);
    clearTimeout(peer.timer);
    // libdatachannel does not always get its own word of the end out before it is gone.
    quietly(() => peer.instance.send(GOODBYE));
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
    this.#peers.set(link, { instance, initiator, signalled: false, timer, relayed: false });
    const lost = (): void => {
      if (this.#peers.get(link)?.instance === instance) this.#fail(link);
    };
    instance.on('error', lost);
    instance.on('close', lost);
    instance.on('data', lost);
    instance.on('connect', () => {
      clearTimeout(timer);
      void this.#look(link, instance);
      setTimeout(() => void this.#look(link, instance), SETTLED_MS);
    });
    instance.on('signal', (data: SimplePeer.SignalData) => this.#onSignal(link, instance, data));
    this.#options.carry(link, connectionOf(instance).createDataChannel(CELLS.label, CELLS.options));
  }

  /** What the connection says of its candidates. A stack that says nothing is taken to be direct. */
  async #look(link: LinkId, instance: SimplePeer.Instance): Promise<void> {
    const peer = this.#peers.get(link);
    if (peer?.instance !== instance || !this.#options.events.relayed) return;
    const relayed = await isRelayed(connectionOf(instance)).catch(() => false);
    if (this.#peers.get(link) !== peer || relayed === peer.relayed) return;
    peer.relayed = relayed;
    this.#options.events.relayed(link, relayed);
  }

  /** One that cannot be used, such as an mDNS name that nobody answers for, is passed over. */
  #addCandidates(link: LinkId, peer: Peer, session: Session): void {
    if (this.#peers.get(link) !== peer) return;
    const connection = connectionOf(peer.instance);
    quietly(() => {
      for (const candidate of unpackCandidates(session)) {
        connection.addIceCandidate({ candidate, sdpMid: '0' }).catch(() => undefined);
      }
    });
  }

  #onSignal(link: LinkId, instance: SimplePeer.Instance, data: SimplePeer.SignalData): void {
    if (this.#peers.get(link)?.instance !== instance) return;
    if (data.type !== 'offer' && data.type !== 'answer') return;
    const { type, sdp } = data;
    let session: Session | undefined;
    quietly(() => (session = packSdp(type, sdp ?? '', this.#options.keepCandidate)));
    if (!session) return this.#fail(link);
    if (type === 'offer' && this.#options.wrtc?.speaksFirst) session.setup = 'active';
    this.#options.events.session(link, session);
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

import { PeerConnection, type IceServer } from 'node-datachannel';
import * as polyfill from 'node-datachannel/polyfill';
import type { Wrtc } from '#web/transport/peers.ts';

export type WrtcOptions = {
  /** The one local address to use; all, if it is not given. */
  bindAddress?: string;
  /** UDP ports to use, both ends included. */
  ports?: { from: number; to: number };
};

/**
 * node-datachannel (libdatachannel) in the shape of a browser's WebRTC, as far as simple-peer asks for it. Over the
 * package's own shape it adds: descriptions are made when they are asked for, so that a channel made before the
 * other side's offer came does not make an offer of its own; and the end of gathering and a failure are told as
 * browsers tell them.
 */
export const nodeWrtc = ({ bindAddress, ports }: WrtcOptions = {}): Wrtc => {
  // The package's data channel names this class as a global when the native one reports an error.
  Object.assign(globalThis, { RTCError: polyfill.RTCError });

  class NodePeerConnection extends polyfill.RTCPeerConnection {
    readonly #native: PeerConnection;

    constructor(config: RTCConfiguration = {}) {
      const native = new PeerConnection('link', {
        iceServers: (config.iceServers ?? []).flatMap(nativeIceServers),
        iceTransportPolicy: config.iceTransportPolicy ?? 'all',
        disableAutoNegotiation: true,
        ...(bindAddress !== undefined && { bindAddress }),
        ...(ports && { portRangeBegin: ports.from, portRangeEnd: ports.to }),
      });
      super({ peerConnection: native } as unknown as RTCConfiguration);
      this.#native = native;
      this.addEventListener('icegatheringstatechange', () => {
        if (native.gatheringState() === 'complete') this.#toldAllCandidates();
      });
      // A failed connection is closed at once, which simple-peer looks for in the state of ICE alone.
      this.addEventListener('connectionstatechange', () => {
        if (native.state() === 'closed') this.dispatchEvent(new Event('iceconnectionstatechange'));
      });
    }

    override createOffer(): Promise<RTCSessionDescriptionInit> {
      return this.#describe('offer');
    }

    override createAnswer(): Promise<RTCSessionDescriptionInit> {
      return this.#describe('answer');
    }

    /** Was done when it was made. */
    override setLocalDescription(): Promise<void> {
      return Promise.resolve();
    }

    #describe(type: 'offer' | 'answer'): Promise<RTCSessionDescriptionInit> {
      try {
        this.#native.setLocalDescription(type);
        return Promise.resolve({ type, sdp: this.#native.localDescription()?.sdp ?? '' });
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }

    #toldAllCandidates(): void {
      const end = { candidate: null } as RTCPeerConnectionIceEvent;
      this.onicecandidate?.call(this as unknown as RTCPeerConnection, end);
    }
  }

  return {
    RTCPeerConnection: NodePeerConnection,
    RTCSessionDescription: polyfill.RTCSessionDescription,
    RTCIceCandidate: polyfill.RTCIceCandidate,
    speaksFirst: true,
  } as unknown as Wrtc;
};

const STUN_URL = /^stun:(\[[^\]]+\]|[^:?]+)(?::(\d+))?$/;
const STUN_PORT = 3478;

/**
 * The STUN servers among `urls` (RFC 7064). TURN servers are left out: a connection of libdatachannel 0.24.5 that goes through one may
 * wait for itself while it opens, and with it all others of the process and whoever calls into them.
 */
const nativeIceServers = ({ urls }: RTCIceServer): IceServer[] =>
  [urls].flat().flatMap((url) => {
    const [, host, port = STUN_PORT] = STUN_URL.exec(url) ?? [];
    return host === undefined ? [] : [{ hostname: host.replace(/^\[|\]$/g, ''), port: Number(port) }];
  });

import { afterEach, describe, expect, it, vi } from 'vitest';
import { judge, probe, UNCONNECTED } from '#web/transport/probe.ts';
import { unpackSdp } from '#web/transport/sdp.ts';
import type { Candidate } from '#shared/signal/session.ts';
import { candidate, session } from '#tests/shared/signal/sessions.ts';

const stun = [{ urls: 'stun:stun.example.org:3478' }];
const host = (address: string): Candidate => candidate({ address });
const options = { iceServers: stun, relayOnly: false, keepCandidate: () => true };

/** A browser whose connections gather these. */
const browserWith = (candidates: Candidate[], config: RTCConfiguration[] = []): void => {
  class Connection {
    onicecandidate: ((event: { candidate: null }) => void) | null = null;
    localDescription: { sdp: string } | null = null;
    constructor(given: RTCConfiguration) {
      config.push(given);
    }
    createDataChannel = vi.fn();
    createOffer = () => Promise.resolve({});
    close = vi.fn();
    setLocalDescription(): Promise<void> {
      this.localDescription = unpackSdp(session({ candidates }));
      queueMicrotask(() => this.onicecandidate?.({ candidate: null }));
      return Promise.resolve();
    }
  }
  vi.stubGlobal('RTCPeerConnection', Connection);
};

afterEach(() => void vi.unstubAllGlobals());

describe('what links a browser can have', () => {
  it('are none without WebRTC, with one that throws, and with one that finds no way', async () => {
    expect(await probe(options)).toEqual(UNCONNECTED);
    vi.stubGlobal(
      'RTCPeerConnection',
      class {
        constructor() {
          throw new Error('blocked');
        }
      },
    );
    expect(await probe(options)).toEqual(UNCONNECTED);
    browserWith([]);
    expect(await probe(options)).toEqual(UNCONNECTED);
    browserWith([host('10.0.0.7')]);
    expect(await probe({ ...options, keepCandidate: (address) => address.startsWith('127.') })).toEqual(
      UNCONNECTED,
    );
  });

  it('are found as links are, by the same rules', async () => {
    const config: RTCConfiguration[] = [];
    browserWith([host('10.0.0.7')], config);
    expect(await probe({ ...options, relayOnly: true })).toEqual({ webrtc: true, reachable: false });
    expect(config).toEqual([{ iceServers: stun, iceTransportPolicy: 'relay' }]);
  });

  it('come about whatever the other side’s network is by a public address or through TURN', () => {
    const reachable = (candidates: Candidate[], servers: RTCIceServer[] = stun): boolean =>
      judge(candidates, servers).reachable;
    for (const address of ['198.51.100.7', '100.128.0.1', '172.32.0.1', '2001:db8::1'])
      expect(reachable([host(address)]), address).toBe(true);
    for (const address of [
      ...['10.1.2.3', '127.0.0.1', '172.16.0.1', '172.31.9.9', '192.168.1.1', '169.254.1.1', '100.64.0.1'],
      ...['fe80::1', 'fd00::1', '::1', '6a0a0f8e-70c9-4b4f-bd3f-6d5e63a0f5a2.local'],
    ])
      expect(reachable([host(address)]), address).toBe(false);
    expect(reachable([candidate({ type: 'srflx' })])).toBe(false);
    expect(reachable([candidate({ type: 'relay', address: '10.0.0.1' })])).toBe(true);
    // Where there is nobody to ask, all are on one network.
    expect(reachable([host('10.1.2.3')], [])).toBe(true);
    expect(reachable([], [])).toBe(false);
  });
});

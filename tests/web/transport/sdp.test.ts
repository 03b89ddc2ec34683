import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { type Session, sessionCodec } from '#shared/signal/session.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { packSdp, unpackCandidates, unpackSdp } from '#web/transport/sdp.ts';

const digits = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':');
const fingerprint = Uint8Array.from({ length: 32 }, (_, n) => n);
const pwd = 'a+/Z0123456789abcdefghij';

/** In the forms in which each writes them; every connection's own values are made up. */
const chromiumOffer = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 50001 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 192.0.2.1',
  'a=candidate:842163049 1 udp 1677729535 192.0.2.1 50001 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999',
  'a=candidate:1876313031 1 udp 2122262783 2001:db8::1 50002 typ host generation 0 network-id 2',
  'a=candidate:559267639 1 udp 2122194687 127.0.0.1 50003 typ host generation 0 network-id 1',
  'a=candidate:1510613869 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active generation 0',
  'a=ice-ufrag:Ab+/',
  `a=ice-pwd:${pwd}`,
  `a=fingerprint:sha-256 ${digits.toUpperCase()}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  '',
].join('\r\n');

const firefoxAnswer = [
  'v=0',
  'o=mozilla...THIS_IS_SDPARTA-99.0 3735010271374186131 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=sendrecv',
  `a=fingerprint:sha-256 ${digits.toUpperCase()}`,
  'a=group:BUNDLE 0',
  'a=ice-options:trickle',
  'a=msid-semantic:WMS *',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=candidate:0 1 UDP 2122252543 6ac0e6d0-9a3f-4f4f-8f6d-2f5a8a4b5a11.local 50004 typ host',
  'a=candidate:1 1 TCP 2105524479 6ac0e6d0-9a3f-4f4f-8f6d-2f5a8a4b5a11.local 9 typ host tcptype active',
  'a=candidate:0 2 UDP 2122252542 192.0.2.7 50005 typ host',
  'a=sendrecv',
  'a=end-of-candidates',
  `a=ice-pwd:${pwd}`,
  'a=ice-ufrag:d3adbeef',
  'a=mid:0',
  'a=setup:active',
  'a=sctp-port:5000',
  'a=max-message-size:1073741823',
  '',
].join('\r\n');

const nodeOffer = [
  'v=0',
  'o=rtc 753267214 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic:WMS *',
  'a=ice-options:ice2,trickle',
  `a=fingerprint:sha-256 ${digits.toUpperCase()}`,
  'm=application 42155 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 127.0.0.1',
  'a=mid:0',
  'a=sendrecv',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  'a=setup:actpass',
  'a=ice-ufrag:3nQq',
  `a=ice-pwd:${pwd}`,
  'a=candidate:1 1 UDP 2114977791 127.0.0.1 42155 typ host',
  'a=end-of-candidates',
  '',
].join('\r\n');

const anyAddress = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.uuid().map((name) => `${name}.local`),
);
const iceChars = (min: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[A-Za-z0-9+/]{${String(min)},40}$`));

const anySession: fc.Arbitrary<Session> = fc.record({
  kind: fc.constantFrom('offer' as const, 'answer' as const),
  ufrag: iceChars(4),
  pwd: iceChars(22),
  fingerprint: anyBytes(32),
  setup: fc.constantFrom('actpass' as const, 'active' as const, 'passive' as const),
  candidates: fc.uniqueArray(
    fc.record({
      address: anyAddress,
      port: fc.integer({ min: 1, max: 65_535 }),
      type: fc.constantFrom('host' as const, 'srflx' as const, 'relay' as const),
      priority: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    }),
    { maxLength: 16, selector: ({ priority }) => priority },
  ),
});

const ranked = (session: Session): Session => ({
  ...session,
  candidates: [...session.candidates].sort((a, b) => b.priority - a.priority),
});

describe('a description in few fields', () => {
  it('is read off an offer of Chromium', () => {
    const session = packSdp('offer', chromiumOffer);
    expect(session).toEqual({
      kind: 'offer',
      ufrag: 'Ab+/',
      pwd,
      fingerprint,
      setup: 'actpass',
      candidates: [
        { address: '2001:db8::1', port: 50_002, type: 'host', priority: 2_122_262_783 },
        { address: '127.0.0.1', port: 50_003, type: 'host', priority: 2_122_194_687 },
        { address: '192.0.2.1', port: 50_001, type: 'srflx', priority: 1_677_729_535 },
      ],
    });
  });

  it('is read off an answer of Firefox, whose fingerprint stands above its m-line', () => {
    const session = packSdp('answer', firefoxAnswer);
    expect([session.ufrag, session.setup]).toEqual(['d3adbeef', 'active']);
    expect(session.fingerprint).toEqual(fingerprint);
    expect(session.candidates.map(({ port }) => port)).toEqual([50_004]);
  });

  it('is read off an offer of node-datachannel', () => {
    const [candidate] = packSdp('offer', nodeOffer).candidates;
    expect(candidate).toEqual({ address: '127.0.0.1', port: 42_155, type: 'host', priority: 2_114_977_791 });
  });

  it.each([chromiumOffer, firefoxAnswer, nodeOffer])('passes the codec and comes back', (sdp) => {
    const session = packSdp('offer', sdp);
    const sealed = encode(sessionCodec, session);
    expect(sealed.length).toBeLessThan(256);
    expect(packSdp('offer', unpackSdp(decode(sessionCodec, sealed)).sdp)).toEqual(session);
  });

  it('comes back from the SDP that it is rebuilt as', () => {
    fc.assert(
      fc.property(anySession, (session) => {
        const { type, sdp } = unpackSdp(session);
        expect(packSdp(type, sdp)).toEqual(ranked(session));
      }),
      runs(200),
    );
  });

  it('gives its candidates apart, for who has to be spoken to later', () => {
    const session = packSdp('offer', chromiumOffer);
    const { type, sdp } = unpackSdp(session, { later: true });
    expect(packSdp(type, sdp)).toEqual({ ...session, candidates: [] });
    expect(sdp).not.toContain('end-of-candidates');
    const whole = [...sdp.split('\r\n'), ...unpackCandidates(session).map((each) => `a=${each}`)];
    expect(packSdp(type, whole.join('\r\n'))).toEqual(session);
  });

  it('tells only the addresses that are to be told', () => {
    const session = packSdp('offer', chromiumOffer, (address) => address === '127.0.0.1');
    expect(session.candidates.map(({ port }) => port)).toEqual([50_003]);
  });

  it('is refused when a field is missing or would break out of its line', () => {
    const session = packSdp('offer', chromiumOffer);
    expect(refusalOf(() => packSdp('offer', 'v=0\r\n'))).toBe('malformed');
    expect(refusalOf(() => packSdp('offer', chromiumOffer.replace('sha-256', 'sha-1')))).toBe('malformed');
    expect(refusalOf(() => unpackSdp({ ...session, ufrag: 'abcd\r\na=x' }))).toBe('malformed');
    const candidates = [{ address: '::1\r\na=x', port: 1, type: 'host' as const, priority: 1 }];
    expect(refusalOf(() => unpackSdp({ ...session, candidates }))).toBe('malformed');
  });
});

import fc from 'fast-check';
import type { Candidate, Session } from '#shared/signal/session.ts';

export const candidate = (over: Partial<Candidate> = {}): Candidate => ({
  address: '192.0.2.7',
  port: 50_000,
  type: 'host',
  priority: 2_122_260_223,
  ...over,
});

/** As Chromium's offers look. */
export const session = (over: Partial<Session> = {}): Session => ({
  kind: 'offer',
  ufrag: 'Ab+/',
  pwd: 'abcdefghijklmnopqrstuvwx',
  fingerprint: new Uint8Array(32).fill(9),
  setup: 'actpass',
  candidates: [candidate(), candidate({ address: '2001:db8::1', type: 'srflx', priority: 5 })],
  ...over,
});

const iceChars = (min: number, max: number) =>
  fc.string({
    unit: fc.constantFrom(...'ABCXYZabcxyz0189+/'),
    minLength: min,
    maxLength: max,
  });

const anyAddress = fc.oneof(
  fc.ipV4(),
  fc.ipV6().filter((address) => address.length <= 39),
  fc.uuid().map((name) => `${name}.local`),
);

export const anySession = (kind: Session['kind'], candidates: number): fc.Arbitrary<Session> =>
  fc.record({
    kind: fc.constant(kind),
    ufrag: iceChars(4, 16),
    pwd: iceChars(22, 32),
    fingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    setup: fc.constantFrom('actpass', 'active', 'passive'),
    candidates: fc.array(
      fc.record({
        address: anyAddress,
        port: fc.nat(65_535),
        type: fc.constantFrom('host', 'srflx', 'relay'),
        priority: fc.nat(2 ** 31 - 1),
      }),
      { maxLength: candidates },
    ),
  });

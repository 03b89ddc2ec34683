import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import type { Session } from '#shared/signal/session.ts';
import type { Millis } from '#shared/units.ts';
import type { VirtualClock } from '#tests/support/virtual-clock.ts';

/** What becomes of one message on its way: none, it, or others. */
export type Tamper = (data: Uint8Array, fromA: boolean) => Uint8Array[];

/** Two carriers over a delay, in order; either end may close. */
export const pipe = (
  clock: VirtualClock,
  delayMs: Millis,
  a: () => CarrierEvents | undefined,
  b: () => CarrierEvents | undefined,
  tamper: Tamper,
): [Carrier, Carrier] => {
  let open = true;
  const side = (other: () => CarrierEvents | undefined, fromA: boolean): Carrier => ({
    send(message) {
      if (!open) return;
      for (const data of tamper(message, fromA)) clock.after(delayMs, () => open && other()?.message(data));
    },
    close() {
      if (!open) return;
      open = false;
      clock.after(delayMs, () => other()?.closed());
    },
  });
  return [side(b, true), side(a, false)];
};

/** A description whose one candidate's address stands for the peer connection that made it. */
export const sessionOf = (kind: 'offer' | 'answer', id: number): Session => ({
  kind,
  ufrag: 'abcd',
  pwd: 'abcdefghijklmnopqrstuv',
  fingerprint: new Uint8Array(32),
  setup: kind === 'offer' ? 'actpass' : 'active',
  candidates: [{ address: `10.0.${id >> 8}.${id & 255}`, port: 9, type: 'host', priority: 1 }],
});

export const peerOf = (description: Session): number => {
  const [, , high = 0, low = 0] = (description.candidates[0]?.address ?? '').split('.').map(Number);
  return (high << 8) | low;
};

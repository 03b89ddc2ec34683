import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';

type End = { events: CarrierEvents; ended: boolean };

const carrierBetween = (own: End, other: End): Carrier => {
  const later = (run: () => void): void => {
    setTimeout(() => {
      if (!other.ended) run();
    }, 0);
  };
  return {
    send(message) {
      if (!own.ended) later(() => other.events.message(message));
    },
    close() {
      if (own.ended) return;
      own.ended = true;
      later(() => {
        other.ended = true;
        other.events.closed();
      });
    },
  };
};

/** Two carriers in one process, joined: each message crosses in a task of its own. */
export const memoryPair = (a: CarrierEvents, b: CarrierEvents): [Carrier, Carrier] => {
  const ends = [a, b].map((events) => ({ events, ended: false })) as [End, End];
  return [carrierBetween(ends[0], ends[1]), carrierBetween(ends[1], ends[0])];
};

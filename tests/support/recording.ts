import { createHop } from '#server/hop.ts';
import type { Hop, HopOptions } from '#server/server.ts';

/** Everything that a directory saw: what passed on its links, and what its services were asked, answered and pushed. */
export type Recording = { frames: Uint8Array[]; services: Uint8Array[] };

/** The directory's hop, with a copy of all that goes in and out kept in `recording`. */
export const recordedHop =
  (recording: Recording) =>
  (options: HopOptions): Hop => {
    const { frames, services } = recording;
    const hop = createHop({
      ...options,
      async request(circuit, body) {
        const answer = await options.request(circuit, body);
        services.push(body.slice(), answer.slice());
        return answer;
      },
    });
    return {
      ...hop,
      accept(carrier) {
        const events = hop.accept({
          send(message) {
            frames.push(message.slice());
            carrier.send(message);
          },
          close: () => carrier.close(),
        });
        return {
          ...events,
          message(data) {
            frames.push(data.slice());
            events.message(data);
          },
        };
      },
      push(circuit, body) {
        services.push(body.slice());
        return hop.push(circuit, body);
      },
    };
  };

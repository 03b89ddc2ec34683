import { createHop } from '#server/hop.ts';
import type { Hop, HopOptions } from '#server/server.ts';

/** Everything that a directory saw: what passed on its links, and what its services were asked, answered and pushed. */
export type Recording = {
  frames: { sent: boolean; bytes: Uint8Array }[];
  services: { what: 'request' | 'answer' | 'push'; body: Uint8Array }[];
};

/** The directory's hop, with a copy of all that goes in and out kept in `recording`. */
export const recordedHop =
  (recording: Recording) =>
  (options: HopOptions): Hop => {
    const { frames, services } = recording;
    const hop = createHop({
      ...options,
      async request(circuit, body) {
        const answer = await options.request(circuit, body);
        services.push({ what: 'request', body: body.slice() }, { what: 'answer', body: answer.slice() });
        return answer;
      },
    });
    return {
      ...hop,
      accept(carrier) {
        const events = hop.accept({
          send(message) {
            frames.push({ sent: true, bytes: message.slice() });
            carrier.send(message);
          },
          close: () => carrier.close(),
        });
        return {
          ...events,
          message(data) {
            frames.push({ sent: false, bytes: data.slice() });
            events.message(data);
          },
        };
      },
      push(circuit, body) {
        services.push({ what: 'push', body: body.slice() });
        return hop.push(circuit, body);
      },
    };
  };

import type { BrowserContext } from 'playwright-core';
import type { Tab } from './browser.ts';

type Seen = { candidates: string[]; made: number };
type WithSeen = typeof globalThis & { seen: Seen };

/** Keeps every ICE candidate that a page gathers, and counts its peer connections. */
export const watchCandidates = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(() => {
    const seen: Seen = ((globalThis as WithSeen).seen = { candidates: [], made: 0 });
    const Original = RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Original {
      constructor(config?: RTCConfiguration) {
        super(config);
        seen.made += 1;
        this.addEventListener('icecandidate', ({ candidate }) => {
          if (candidate && candidate.candidate !== '') seen.candidates.push(candidate.candidate);
        });
      }
    };
  });

export const candidatesOf = ({ page }: Tab): Promise<Seen> =>
  page.evaluate(() => (globalThis as WithSeen).seen);

/** RFC 8839 section 5.1: the sixth and seventh word are address and port, the eighth says `typ`. */
export const partsOf = (candidate: string): { address: string; port: number; type: string } => {
  const [, , , , address = '', port, , type = ''] = candidate.split(' ');
  return { address, port: Number(port), type };
};

import type { Shared, ToServiceWorker } from '#web/service-worker/messages.ts';
import { to } from './route.svelte.ts';

/** The service worker holds what was shared for some seconds only, however long this page is locked: it is fetched at once. */

let content = $state.raw<Shared | null>(null);

export const shared = {
  get content(): Shared | null {
    return content;
  },
  clear(): void {
    content = null;
  },
};

if (location.hash === to.share) {
  const { port1, port2 } = new MessageChannel();
  const ask: ToServiceWorker = { type: 'take-shared' };
  port1.onmessage = ({ data }: MessageEvent<Shared | null>) => {
    content = data;
    port1.close();
  };
  navigator.serviceWorker?.controller?.postMessage(ask, [port2]);
}

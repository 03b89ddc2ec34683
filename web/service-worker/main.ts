import type { ToServiceWorker } from './messages.ts';
import { answer, dropOthers, install, keepUsed, pathOf } from './release.ts';
import { receive, SHARE, take } from './share.ts';

/** Holds the app, so that it opens without the server and changes only when the person lets it. It sees no message. */

const scope = self as unknown as ServiceWorkerGlobalScope;

// A new release waits here until a page says `take-over`.
scope.addEventListener('install', (event) => event.waitUntil(install()));

scope.addEventListener('activate', (event) => {
  event.waitUntil(dropOthers().then(() => scope.clients.claim()));
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const shares = request.method === 'POST' && pathOf(request.url) === SHARE;
  const answered = shares ? receive(request) : answer(request);
  if (answered) event.respondWith(answered);
});

scope.addEventListener('message', (event) => {
  const message = event.data as ToServiceWorker;
  switch (message.type) {
    case 'take-over':
      return event.waitUntil(scope.skipWaiting());
    case 'used':
      return event.waitUntil(keepUsed(message.paths));
    case 'take-shared':
      return event.ports[0]?.postMessage(take());
  }
});

/** A notification names nobody: it only leads back to the app. */
scope.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const show = async (): Promise<void> => {
    const [open] = await scope.clients.matchAll({ type: 'window' });
    await (open ? open.focus() : scope.clients.openWindow('/'));
  };
  event.waitUntil(show());
});

import type { ToServiceWorker } from '#web/service-worker/messages.ts';

/** What holds the app in this browser, and a release of it that waits until this page lets it take over. */

const LOOK_MS = 3_600_000;

// A browser may have none, and has none outside a secure context.
const { serviceWorker: container } = navigator as { serviceWorker?: ServiceWorkerContainer };

let registration = $state.raw<ServiceWorkerRegistration | null>(null);
let waiting = $state.raw<ServiceWorker | null>(null);
let patient = $state.raw(false);
/** Who holds the release that this page runs in. */
let own: ServiceWorker | null = container?.controller ?? null;

export const update = {
  /** A release waits. */
  get waits(): boolean {
    return waiting !== null;
  },
  /** It is to take over by itself, once nothing is in its way. */
  get patient(): boolean {
    return patient;
  },
  get registration(): ServiceWorkerRegistration | null {
    return registration;
  },
  whenDone(): void {
    patient = true;
  },
  /** Asks again in a later tab. */
  later(): void {
    waiting = null;
  },
  /** Every page of this site opens anew with it. */
  takeOver(): void {
    if (waiting) tell(waiting, { type: 'take-over' });
  },
};

const tell = (worker: ServiceWorker, message: ToServiceWorker): void => worker.postMessage(message);

container?.addEventListener('controllerchange', () => {
  const { controller } = container;
  if (own !== null && controller !== own) return location.reload();
  own = controller;
  reportUsed();
});

/** It can't know what was fetched while it was not there. */
function reportUsed(): void {
  const entries = performance.getEntriesByType('resource').map(({ name }) => new URL(name));
  const paths = entries.filter(({ origin }) => origin === location.origin).map(({ pathname }) => pathname);
  if (container?.controller) tell(container.controller, { type: 'used', paths });
}

/** Begins to watch for releases, once there is a registration; without one the app goes on as it is. */
export async function watchReleases(register: () => Promise<ServiceWorkerRegistration>): Promise<void> {
  if (!container || registration) return;
  let made: ServiceWorkerRegistration;
  try {
    made = await register();
  } catch {
    return;
  }
  registration = made;
  // It may hold the site, but not this page yet.
  own ??= made.active;
  if (made.active) waiting = made.waiting;
  made.addEventListener('updatefound', () => {
    const { installing } = made;
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'installed' && made.active) waiting = installing;
    });
  });
  // A tab may stay open for weeks.
  setInterval(() => void made.update().catch(() => undefined), LOOK_MS);
}

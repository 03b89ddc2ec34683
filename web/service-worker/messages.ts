/** What the page tells the service worker. */
export type ToServiceWorker =
  /** The release that waits takes the place of the one that runs. */
  | { type: 'take-over' }
  /** Paths of what the page had fetched before there was a service worker. */
  | { type: 'used'; paths: string[] }
  /** Answered with a `Shared`, or null, through the port that comes along. */
  | { type: 'take-shared' };

/** What another app shared with this one. */
export type Shared = { text: string; files: File[] };

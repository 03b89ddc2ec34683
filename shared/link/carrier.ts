/**
 * What a link stands on: a WebRTC data channel, a WebSocket, or memory. A carrier takes whole messages and hands
 * whole messages over, in order and without loss, until it ends; it knows nothing of cells.
 */
export type CarrierEvents = {
  message(data: Uint8Array): void;
  /** The other side or the path ended it. Called at most once, and never after one's own `close`. */
  closed(): void;
};

/** Neither method ever throws; both do nothing once the carrier has ended. */
export type Carrier = {
  /**
   * Takes the bytes over: the caller must not write to them again. What would push the stack's own buffer over
   * `BUFFER_CEILING` waits in a queue here, up to `BACKLOG_CEILING`, above which the carrier ends as broken.
   */
  send(message: Uint8Array): void;
  close(): void;
};

/**
 * Bytes that the stack's own send buffer may hold. Chromium's SCTP drops bursts of its own when given more at once,
 * and then takes many seconds to recover.
 */
export const BUFFER_CEILING = 32 * 1024;

/** Bytes that may wait before a carrier. A link's window is at most a quarter of this. */
export const BACKLOG_CEILING = 4 * 1024 * 1024;

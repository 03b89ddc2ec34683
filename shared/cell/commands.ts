/** The commands of cells: what a link and the two nodes at its ends see. */
export const cellCommand = {
  PADDING: 0,
  CREATE: 1,
  CREATED: 2,
  RELAY: 3,
  RELAY_EARLY: 4,
  DESTROY: 5,
  KEEPALIVE: 6,
  /** What the directory signed, told to a neighbour. */
  GOSSIP: 7,
} as const;

export type CellCommand = (typeof cellCommand)[keyof typeof cellCommand];

/** The commands of relay messages: what the two ends of a stretch of circuit see. */
export const relayCommand = {
  /** Fragments of node id (32) ‖ onionskin. */
  EXTEND: 1,
  /** Fragments of the handshake's reply. */
  EXTENDED: 2,
  /** code (1): answers EXTEND, JOIN and INBOX_OPEN. */
  REFUSED: 3,
  /** Fragments of inbox tag (16) ‖ onionskin. */
  JOIN: 4,
  /** Fragments of an onionskin, to the inbox's owner, on the bridge's stream. */
  INCOMING: 5,
  /** Fragments of the handshake's reply, from the inbox's owner. */
  ACCEPT: 6,
  /** Fragments of the handshake's reply, to who sent JOIN. */
  JOINED: 7,
  /** The contact's layer, copied from and to the bridged circuit. */
  BRIDGED: 8,
  /** tag key ‖ ticket ‖ signature. */
  INBOX_OPEN: 9,
  INBOX_OPENED: 10,
  /** Fragments of a request to the directory. */
  REQUEST: 11,
  /** Fragments of its answer. */
  RESPONSE: 12,
  /** Fragments of what the directory sends unasked. */
  PUSH: 13,
  /** Fragments of a conversation's messages. */
  DATA: 14,
  /** cells (2). */
  CREDIT: 15,
  /** code (1): closes the stream; on stream 0 the owner of inboxes gives them up. */
  END: 16,
  /** Cover: taken and thrown away. */
  DROP: 17,
  /** token (8). */
  PING: 18,
  /** The token of the PING. */
  PONG: 19,
  /** bits (1): INBOX_OPEN has to show so much work. */
  INBOX_WORK: 20,
  /** cells a 1,000 s (2): so many DROPs the sender is willing to take of its contact. */
  COVER: 21,
} as const;

export type RelayCommand = (typeof relayCommand)[keyof typeof relayCommand];

const cellCommands: ReadonlySet<number> = new Set(Object.values(cellCommand));
const relayCommands: ReadonlySet<number> = new Set(Object.values(relayCommand));

export const isCellCommand = (byte: number): byte is CellCommand => cellCommands.has(byte);
export const isRelayCommand = (byte: number): byte is RelayCommand => relayCommands.has(byte);

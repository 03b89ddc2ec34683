/** What a client keeps: each table holds whole encoded records under text keys. */
export const tables = [
  'identity',
  'settings',
  'conversations',
  'messages',
  'outbox',
  'invites',
  'guards',
  'seen',
  'contribution',
  'drafts',
  'tombstones',
  'contacts',
  'mailboxes',
  'files',
  'chunks',
  'groups',
  'group-inbox',
  'group-outbox',
  'keeping',
] as const;

export type Table = (typeof tables)[number];

/** Sets a record, or removes it when `value` is undefined. */
export type Change = { table: Table; key: string; value: Uint8Array | undefined };

/** How a store that outlasts its process is kept from others. */
export type StoreLock = {
  /** It opens by a passphrase only. */
  readonly on: boolean;
  /** Keeps everything under new keys, behind this passphrase or, without one, behind none. Rejects with LocalError `bad-passphrase`. */
  set(passphrase: string | undefined): Promise<void>;
};

/** Every method rejects with LocalError `storage` when the engine below fails. */
export type Store = {
  get(table: Table, key: string): Promise<Uint8Array | undefined>;
  /** All records of a table with their keys, in no order. */
  all(table: Table): Promise<[string, Uint8Array][]>;
  /** All of the changes or none, durable before this resolves; a later change to a key wins over an earlier. */
  write(changes: readonly Change[]): Promise<void>;
  close(): void;
  /** Closes it, and removes everything with its keys. */
  erase(): Promise<void>;
  /** Undefined where nothing outlasts the process. */
  readonly lock: StoreLock | undefined;
};

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
] as const;

export type Table = (typeof tables)[number];

/** Sets a record, or removes it when `value` is undefined. */
export type Change = { table: Table; key: string; value: Uint8Array | undefined };

/** Every method rejects with LocalError `storage` when the engine below fails. */
export type Store = {
  get(table: Table, key: string): Promise<Uint8Array | undefined>;
  /** All records of a table with their keys, in no order. */
  all(table: Table): Promise<[string, Uint8Array][]>;
  /** All of the changes or none, durable before this resolves; a later change to a key wins over an earlier. */
  write(changes: readonly Change[]): Promise<void>;
  close(): void;
};

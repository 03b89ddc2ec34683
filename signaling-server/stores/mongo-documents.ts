import type { Millis } from '#shared/units.ts';

const DEFAULT_DATABASE = 'hourglass';
const LAST_DATE_MS: Millis = 8_640_000_000_000_000;

export type Index = { key: Record<string, 1>; expireAfterSeconds?: number };

/** The engine's own removal of what expires, beside the sweep; a server that has none ignores or refuses the option. */
const expiring: Index = { key: { until: 1 }, expireAfterSeconds: 0 };

/** The collections, and what they are looked through by apart from their `_id`. */
export const indexes: Record<string, Index[]> = {
  consensus: [{ key: { time: 1 } }],
  descriptors: [expiring, { key: { expires: 1 } }],
  nodes: [{ key: { seen: 1 } }],
  mail: [expiring, { key: { expires: 1 } }],
  mailboxes: [expiring, { key: { expires: 1 } }],
  records: [expiring, { key: { expires: 1 } }],
  handles: [expiring, { key: { expires: 1 } }],
  documents: [expiring, { key: { expires: 1 } }],
  events: [{ key: { time: 1 } }],
};

/** What documents have for the engine alone. */
const engines = ['_id', 'until', 'order'];

/** A stored document as the port has it: bytes as they went in, and nothing of the engine's own. */
export const plain = <T>(document: Record<string, unknown>): T => {
  const entries = Object.entries(document)
    .filter(([name]) => !engines.includes(name))
    .map(([name, value]): [string, unknown] => [
      name,
      value instanceof Uint8Array ? new Uint8Array(value) : value,
    ]);
  return Object.fromEntries(entries) as T;
};

/** As near as the engine's dates come. */
export const dateOf = (time: Millis): Date => new Date(Math.min(time, LAST_DATE_MS));

/** The path of the URL, which may name several hosts. */
export const databaseOf = (url: string): string => {
  const path = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1];
  return path === undefined ? DEFAULT_DATABASE : decodeURIComponent(path);
};

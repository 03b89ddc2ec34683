import { decode, encode, struct, u32, u64 } from '#shared/bytes/codec.ts';
import type { Millis } from '#shared/units.ts';
import type { DayView } from '#web/api-helping.ts';
import type { Change } from '#web/core/store/ports.ts';

const dayCodec = struct({ circuits: u32, bytes: u64 });

const PREFIX = 'day/';
const KEPT = 14;

/** Since the node began: circuits of others that came through, and bytes of their cells. */
export type Carried = { circuits: number; bytes: number };

const two = (n: number): string => String(n).padStart(2, '0');

/** The local date. */
export const dayAt = (now: Millis): string => {
  const date = new Date(now);
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};

/** What was carried, by days. Nothing finer is kept: when exactly somebody's traffic passed is nobody's business. */
export class Days {
  #days: DayView[] = [];
  #seen: Carried = { circuits: 0, bytes: 0 };

  constructor(records: readonly [string, Uint8Array][]) {
    for (const [key, value] of records) {
      if (key.startsWith(PREFIX))
        this.#days.push({ day: key.slice(PREFIX.length), ...decode(dayCodec, value) });
    }
    this.#days.sort((a, b) => (a.day < b.day ? -1 : 1));
  }

  get last(): DayView[] {
    return this.#days;
  }

  /** On the day of `now`, with what the node has counted since it was last told. */
  bytesOn(now: Millis, carried: Carried): number {
    const day = dayAt(now);
    const known = this.#days.find((each) => each.day === day)?.bytes ?? 0;
    return known + carried.bytes - this.#seen.bytes;
  }

  /** The node's counts as they are now; what came since they were last told is today's. */
  count(now: Millis, carried: Carried): Change[] {
    const circuits = carried.circuits - this.#seen.circuits;
    const bytes = carried.bytes - this.#seen.bytes;
    if (circuits <= 0 && bytes <= 0) return [];
    this.#seen = carried;
    const day = dayAt(now);
    const known = this.#days.find((each) => each.day === day) ?? { day, circuits: 0, bytes: 0 };
    const today = { day, circuits: known.circuits + circuits, bytes: known.bytes + bytes };
    const all = [...this.#days.filter((each) => each.day !== day), today];
    this.#days = all.slice(-KEPT);
    return [
      { table: 'contribution', key: PREFIX + day, value: encode(dayCodec, today) },
      ...all
        .slice(0, -KEPT)
        .map((old): Change => ({ table: 'contribution', key: PREFIX + old.day, value: undefined })),
    ];
  }
}

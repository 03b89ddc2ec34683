import { unhex } from '#shared/bytes/bytes.ts';

/** One thing that was kept: a key with its value, a row, a line of a log. */
export type Kept = { readonly name: string; readonly texts: string[]; readonly bytes: Uint8Array[] };

/** As long as the shortest thing that names anything: a tag, a reply address, a message id. */
const WINDOW = 16;
/** Fewer different bytes in a window are padding or text in common, which name nothing. */
const LEAST_DIFFERENT = 9;

/** All that stands in `kept` as bytes; digits of hex as what they stand for. */
const partsOf = ({ texts, bytes }: Kept): Uint8Array[] => [
  ...bytes,
  ...texts.flatMap((text) =>
    [...text.matchAll(/(?:[0-9a-f]{2}){16,}/gi)].map(([digits]) => unhex(digits.toLowerCase())),
  ),
];

const windowsOf = (kept: Kept): Set<string> => {
  const windows = new Set<string>();
  for (const part of partsOf(kept)) {
    const text = Buffer.from(part).toString('latin1');
    for (let at = 0; at + WINDOW <= text.length; at++) {
      const window = text.slice(at, at + WINDOW);
      if (new Set(window).size >= LEAST_DIFFERENT) windows.add(window);
    }
  }
  return windows;
};

/** Ties together what was kept wherever two of them share 16 bytes, and what those are tied to in turn. */
export class Joiner {
  readonly #kept: readonly Kept[];
  readonly #windows: Set<string>[];
  readonly #where = new Map<string, number[]>();

  constructor(kept: readonly Kept[]) {
    this.#kept = kept;
    this.#windows = kept.map(windowsOf);
    this.#windows.forEach((windows, index) => {
      for (const window of windows) {
        const known = this.#where.get(window);
        if (known) known.push(index);
        else this.#where.set(window, [index]);
      }
    });
  }

  /** Everything that can be tied to one of these, itself included. */
  tiedTo(wanted: (kept: Kept) => boolean): Kept[] {
    const reached = new Set(this.#kept.flatMap((kept, index) => (wanted(kept) ? [index] : [])));
    for (const index of reached) {
      for (const window of this.#windows[index] as Set<string>) {
        for (const other of this.#where.get(window) ?? []) reached.add(other);
      }
    }
    return [...reached].map((index) => this.#kept[index] as Kept);
  }
}

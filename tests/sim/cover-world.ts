import { decodeCells } from '#shared/cell/codec.ts';
import { cellCommand, relayCommand } from '#shared/cell/commands.ts';
import { shuffle, uniform, type Rng } from '#shared/crypto/rng.ts';
import type { CoverLevel } from '#shared/node/cover.ts';
import type { Millis } from '#shared/units.ts';
import type { Sample } from '#tests/support/classifier.ts';
import type { FrameLengths } from './cover-frames.ts';
import type { SimNode } from './sim-node.ts';
import { meetApart, openInboxes, say, type Talk } from './talk.ts';
import { World } from './world.ts';

export const kinds = ['chat', 'file', 'receipt', 'key update', 'cover'] as const;
export type Kind = (typeof kinds)[number];

export const WINDOW_MS: Millis = 10_000;

/** Cells that a window of any kind but cover carries, and cells that come back for them. */
const CELLS = 16;
const ANSWERS = 4;
/** They are given to the node within so long of a window's begin, and answered so long after. */
const WITHIN_MS: Millis = 4_000;
const ANSWER_MS: Millis = 300;
/** Of a frame there is room for in a cell: 1,060 bytes less its header, and its fragment's. */
const ROOM = 1050;

/** One cell of the circuit on the link, as whoever stands there sees it. */
export type Seen = { at: Millis; out: boolean; used: number; command: number; frame: number };

/** Two users who talk over six of eight relays, and who records links between them. */
export class CoverWorld {
  readonly world: World;
  readonly talk: Talk;
  readonly rng: Rng;
  /** What the caller's circuit sent, as its origin knows it. */
  readonly sent: Departure[] = [];
  /** By link of the way, 1 at the caller's side to 7 at the owner's: circuits by their ids. */
  readonly #recorded = new Map<number, Map<number, Seen[]>>();

  private constructor(world: World, talk: Talk) {
    this.world = world;
    this.talk = talk;
    this.rng = world.rng(70_001);
    world.tamper = (from, to, data) => {
      this.#record(from, to, data);
      return [data];
    };
  }

  static async open(seed: number, level: CoverLevel): Promise<CoverWorld> {
    const world = await new World({ seed }).start();
    await world.relays(8);
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    await openInboxes(world, bob);
    // Two links of one way between the same two nodes could not be told apart.
    const talk = await meetApart(world, alice, bob);
    bob.command({ type: 'channel-trust', channel: talk.ownerChannel });
    for (const user of [alice, bob]) user.command({ type: 'cover', level });
    await world.clock.pass(5_000);
    return new CoverWorld(world, talk);
  }

  /** So many windows of each kind in random order. Returns when each began, and of what kind it was. */
  async run(
    each: number,
    of: readonly Kind[],
    lengths: FrameLengths,
  ): Promise<{ from: Millis; kind: Kind }[]> {
    const order = shuffle(
      this.rng,
      of.flatMap((kind) => Array.from({ length: each }, () => kind)),
    );
    const windows: { from: Millis; kind: Kind }[] = [];
    for (const kind of order) {
      windows.push({ from: this.world.clock.now(), kind });
      this.#window(kind, lengths);
      await this.world.clock.pass(WINDOW_MS);
    }
    return windows;
  }

  /** The caller's circuit sends a message. */
  note(command: number): void {
    const cover = command === relayCommand.DROP || command === relayCommand.PING;
    this.sent.push({ at: this.world.clock.now(), real: !cover });
  }

  /** What was seen of the conversation's circuit on a link of its way. */
  seen(link: number): Seen[] {
    const circuits = [...(this.#recorded.get(link)?.values() ?? [])];
    return circuits.sort((a, b) => b.length - a.length)[0] ?? [];
  }

  /** Frames of the kind's own lengths at its own times, until they are as many cells as all others. */
  #window(kind: Kind, lengths: FrameLengths): void {
    if (kind === 'cover') return;
    const { clock } = this.world;
    let left = CELLS;
    const start = uniform(this.rng, WITHIN_MS);
    while (left > 0) {
      const length = this.#length(kind, lengths);
      const cells = Math.min(left, Math.ceil(length / ROOM));
      left -= cells;
      // A file's chunk goes as one; the rest comes as people write, and clients answer.
      const at = kind === 'file' ? start : uniform(this.rng, WITHIN_MS);
      const data = new Uint8Array(Math.min(length, cells * ROOM));
      clock.after(at, () => say(this.talk.caller, this.talk.callerChannel, data));
    }
    for (let i = 0; i < ANSWERS; i++) {
      const at = uniform(this.rng, WITHIN_MS) + ANSWER_MS;
      clock.after(at, () => say(this.talk.owner, this.talk.ownerChannel, new Uint8Array(lengths.receipt)));
    }
  }

  #length(kind: Kind, { texts, receipt, chunk, updates }: FrameLengths): number {
    const [first = 0, second = 0] = kind === 'chat' ? texts : updates;
    if (kind === 'file') return chunk;
    if (kind === 'receipt') return receipt;
    return uniform(this.rng, 2) === 0 ? first : second;
  }

  #record(from: SimNode, to: SimNode, data: Uint8Array): void {
    const { chain } = this.talk;
    for (let link = 1; link < chain.length; link++) {
      const [near, far] = [chain[link - 1], chain[link]];
      const out = from === near && to === far;
      if (!out && !(from === far && to === near)) continue;
      const circuits = this.#recorded.get(link) ?? new Map<number, Seen[]>();
      this.#recorded.set(link, circuits);
      const cells = decodeCells(data).filter(({ command }) => relays.has(command));
      for (const { circuit, command, body } of cells) {
        const seen = circuits.get(circuit) ?? [];
        circuits.set(circuit, seen);
        seen.push({ at: this.world.clock.now(), out, used: body.length, command, frame: data.length });
      }
    }
  }
}

const relays = new Set<number>([cellCommand.RELAY, cellCommand.RELAY_EARLY]);

/** Times of what left a circuit's origin, and whether it said anything. */
export type Departure = { at: Millis; real: boolean };

/** Of each cell that left on the first link: how it lies among the others, and whether it was cover (0) or not (1). */
export const departuresOf = (seen: readonly Seen[], sent: readonly Departure[]): Sample[] => {
  const real = new Set(sent.flatMap((each) => (each.real ? [each.at] : [])));
  const [out, back] = [true, false].map((way) => seen.filter((cell) => cell.out === way)) as [Seen[], Seen[]];
  const log = (ms: Millis): number => Math.log1p(ms);
  let nextBack = 0;
  return out.slice(1, -1).flatMap(({ at, used, frame }, i) => {
    const [before, after] = [out[i], out[i + 2]];
    while ((back[nextBack]?.at ?? Infinity) < at) nextBack += 1;
    const [last, next] = [back[nextBack - 1], back[nextBack]];
    if (!before || !after || !last || !next) return [];
    const gaps = [at - before.at, after.at - at, at - last.at, next.at - at].map(log);
    return [{ features: [...gaps, used, frame], label: Number(real.has(at)) }];
  });
};

/** Times between cells, ms: the ends of the classes that they are counted in. */
const GAPS: Millis[] = [1, 5, 20, 60, 150, 300, 600, 1200];
/** The same of lengths. */
const LENGTHS = Array.from({ length: 12 }, (_, i) => (i + 1) * 96);

const histogram = (values: readonly number[], ends: readonly number[]): number[] => {
  const counts = new Array<number>(ends.length + 1).fill(0);
  for (const value of values) {
    const at = ends.findIndex((end) => value <= end);
    counts[at < 0 ? ends.length : at] = (counts[at < 0 ? ends.length : at] ?? 0) + 1;
  }
  return counts.map((count) => count / Math.max(1, values.length));
};

const direction = (cells: readonly Seen[], from: Millis): number[] => {
  const times = cells.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
  const spread = times.map((at) => at - from);
  const mean = spread.reduce((sum, at) => sum + at, 0) / Math.max(1, spread.length);
  return [
    cells.length,
    ...histogram(gaps, GAPS),
    ...histogram(
      cells.map(({ used }) => used),
      LENGTHS,
    ),
    Math.max(0, ...cells.map(({ frame }) => frame)),
    mean,
    Math.sqrt(spread.reduce((sum, at) => sum + (at - mean) ** 2, 0) / Math.max(1, spread.length)),
    cells.filter(({ at }) => at - from < WINDOW_MS / 2).length,
  ];
};

/** All lengths and counts of a window on one link, both ways, and how they lie in time. */
export const samplesOf = (
  seen: readonly Seen[],
  windows: readonly { from: Millis; kind: Kind }[],
  of: readonly Kind[],
): Sample[] =>
  windows.map(({ from, kind }) => {
    const cells = seen.filter(({ at }) => at >= from && at < from + WINDOW_MS);
    const ways = [true, false].map((out) =>
      direction(
        cells.filter((cell) => cell.out === out),
        from,
      ),
    );
    return { features: ways.flat(), label: of.indexOf(kind) };
  });

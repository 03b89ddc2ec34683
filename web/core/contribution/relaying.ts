import { bool, decode, encode, struct, u32, u8, type Value } from '#shared/bytes/codec.ts';
import { LocalError } from '#shared/errors.ts';
import type { Command } from '#shared/node/input.ts';
import type { Millis } from '#shared/units.ts';
import type { RelayingView, RelayLimits, Surroundings } from '#web/api-helping.ts';
import type { Host } from '#web/core/host.ts';
import type { Store } from '#web/core/store/ports.ts';

/** 0 stands for none. */
const codec = struct({
  dayMegabytes: u32,
  kilobytesPerSecond: u32,
  pauseOnBattery: bool,
  pauseOnMetered: bool,
  onlyVisible: bool,
  mostNeighbours: u8,
});

/** Bounds of the two limits, and of the links to neighbours. */
const MOST_MEGABYTES = 1_000_000;
const LEAST_KILOBYTES = 20;
const MOST_KILOBYTES = 100_000;
const LEAST_NEIGHBOURS = 3;
const MOST_NEIGHBOURS = 12;

const MEGABYTE = 1_000_000;
const KILOBYTE = 1000;

/** A tab that is out of sight for less is not away: people look at other tabs all the time. */
export const HIDDEN_MS: Millis = 60_000;
/** How often the day's sum is looked at while there is a limit to it. */
const LOOK_MS: Millis = 5000;

const none: RelayLimits = {
  dayMegabytes: null,
  kilobytesPerSecond: null,
  pauseOnBattery: false,
  pauseOnMetered: false,
  onlyVisible: false,
};

type Env = {
  store: Store;
  ports: Pick<Host['ports'], 'now' | 'timer'>;
  command(command: Command): void;
  /** Whether the user has relaying on. */
  wanted(): boolean;
  /** Bytes carried on this day. */
  carriedToday(): number;
  /** `on` is another. */
  switched(): void;
  /** The view is another. */
  changed(): void;
};

/** Whether this tab relays: what the user wants, within the limits that they set. */
export class Relaying {
  readonly #env: Env;
  #limits: RelayLimits;
  #mostNeighbours: number | null;
  #around: Surroundings = { battery: null, metered: null, visible: true };
  #hiddenSince: Millis | undefined;
  #paused: RelayingView['paused'] = null;
  /** What the node was last told. */
  #told: boolean | undefined;
  #cancelLook: (() => void) | undefined;
  #stopped = false;

  /** `record`: the limits, as the store keeps them. */
  constructor(env: Env, record: Uint8Array | undefined) {
    this.#env = env;
    const stored = record && decode(codec, record);
    this.#limits = stored ? limitsOf(stored) : none;
    this.#mostNeighbours = stored?.mostNeighbours || null;
  }

  get on(): boolean {
    return this.#env.wanted() && this.#paused === null;
  }

  get view(): RelayingView {
    return { limits: this.#limits, paused: this.#env.wanted() ? this.#paused : null };
  }

  get mostNeighbours(): number | null {
    return this.#mostNeighbours;
  }

  /** Tells the node for the first time. */
  begin(): void {
    this.#limitNode();
    this.look();
  }

  /** Rejects with LocalError `malformed`. */
  async limit(limits: RelayLimits): Promise<void> {
    const { dayMegabytes, kilobytesPerSecond } = limits;
    check(dayMegabytes, 1, MOST_MEGABYTES);
    check(kilobytesPerSecond, LEAST_KILOBYTES, MOST_KILOBYTES);
    await this.#keep(limits, this.#mostNeighbours);
    this.#limits = { ...limits };
    this.#limitNode();
    this.look();
    this.#env.changed();
  }

  /** Rejects with LocalError `malformed`. */
  async limitNeighbours(most: number | null): Promise<void> {
    check(most, LEAST_NEIGHBOURS, MOST_NEIGHBOURS);
    await this.#keep(this.#limits, most);
    this.#mostNeighbours = most;
    this.#limitNode();
    this.#env.changed();
  }

  surround(around: Surroundings): void {
    this.#around = around;
    if (around.visible) this.#hiddenSince = undefined;
    else this.#hiddenSince ??= this.#env.ports.now();
    this.look();
  }

  /** Looks whether this tab may relay now, and tells the node where that is another answer than before. */
  look(): void {
    if (this.#stopped) return;
    const paused = this.#reason();
    const before = this.#paused;
    this.#paused = paused;
    if (this.on !== this.#told) {
      this.#told = this.on;
      this.#env.command({ type: 'relay', on: this.on });
      this.#env.switched();
    }
    if (paused !== before) this.#env.changed();
    this.#lookLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelLook?.();
  }

  #reason(): RelayingView['paused'] {
    const { dayMegabytes, pauseOnBattery, pauseOnMetered, onlyVisible } = this.#limits;
    const { battery, metered } = this.#around;
    if (dayMegabytes !== null && this.#env.carriedToday() >= dayMegabytes * MEGABYTE) return 'day';
    if (pauseOnBattery && battery === true) return 'battery';
    if (pauseOnMetered && metered === true) return 'metered';
    const since = this.#hiddenSince;
    const away = since !== undefined && this.#env.ports.now() - since >= HIDDEN_MS;
    return onlyVisible && away ? 'hidden' : null;
  }

  /** Only what changes without anybody telling has to be looked at. */
  #lookLater(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    const { dayMegabytes, onlyVisible } = this.#limits;
    const hiding = onlyVisible && this.#hiddenSince !== undefined && this.#paused !== 'hidden';
    if (dayMegabytes === null && !hiding) return;
    this.#cancelLook = this.#env.ports.timer(LOOK_MS, () => this.look());
  }

  #limitNode(): void {
    const { kilobytesPerSecond } = this.#limits;
    const bytesPerSecond = kilobytesPerSecond === null ? undefined : kilobytesPerSecond * KILOBYTE;
    this.#env.command({ type: 'relay-rate', bytesPerSecond });
    this.#env.command({ type: 'limit-links', most: this.#mostNeighbours ?? undefined });
  }

  async #keep(limits: RelayLimits, mostNeighbours: number | null): Promise<void> {
    const value = encode(codec, {
      ...limits,
      dayMegabytes: limits.dayMegabytes ?? 0,
      kilobytesPerSecond: limits.kilobytesPerSecond ?? 0,
      mostNeighbours: mostNeighbours ?? 0,
    });
    await this.#env.store.write([{ table: 'settings', key: 'relaying', value }]);
  }
}

const limitsOf = (stored: Value<typeof codec>): RelayLimits => ({
  dayMegabytes: stored.dayMegabytes || null,
  kilobytesPerSecond: stored.kilobytesPerSecond || null,
  pauseOnBattery: stored.pauseOnBattery,
  pauseOnMetered: stored.pauseOnMetered,
  onlyVisible: stored.onlyVisible,
});

const check = (value: number | null, least: number, most: number): void => {
  if (value === null || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new LocalError('malformed', `a whole number from ${least} to ${most}, or none`);
};

import { equal, hex } from '#shared/bytes/bytes.ts';
import type { EpochPlan } from '#shared/contribution/epochs.ts';
import { consensusHash, headOf, readConsensus, signConsensus } from '#shared/directory/consensus.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { codeOf, LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { DirectoryKeys } from '../keys.ts';
import type { Logger } from '../log.ts';
import type { Archive, ConsensusRecord, Live, Presence } from '../stores/ports.ts';
import { compose, type Composition, type Standing } from './compose.ts';
import { ok, type RequestOf, type Service } from './context.ts';

export type ConsensusOptions = {
  /** Names this process among those that share the stores: one of them makes the consensuses, the others follow. */
  process: string;
  keys: DirectoryKeys;
  live: Live;
  archive: Archive;
  clock: Clock;
  log: Logger;
  consensusMs: Millis;
  /** The least time between two consensuses, and how soon a small network hears of a change: of members, or of contribution. */
  changeMs: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
  epochs: EpochPlan;
  contribution: Composition['contribution'];
  /** What the next consensus states of contribution. */
  standing(now: Millis): Promise<Standing>;
  /** This process has become the one that makes consensuses. */
  led?(): void;
  /** The store had lost what was alive, and has the nodes again. */
  restored?(): Promise<void>;
};

/** Under this many nodes everyone links to everyone, so everyone hears of a change at once. */
const SMALL_NETWORK = 24;
/** How long a node that was there before a restart stays listed without a word from it. */
export const KEPT_NODES_MS: Millis = 600_000;
/** A leader that is silent for three looks, or for this long, is followed by another. */
const LEASE_TICKS = 3;
const LEAST_LEASE_MS: Millis = 2_000;

/**
 * Makes the signed chain of consensuses, and serves the latest. Of several processes the one that leads makes them, under
 * a fencing token that rises with each leader; a number is claimed by unique insert, so that even two that both
 * take themselves for the leader cannot fork the chain.
 */
export class ConsensusMaker implements Service<'consensus'> {
  readonly #options: ConsensusOptions;
  #latest: ConsensusRecord | undefined;
  #head: { of: ConsensusRecord; head: ReturnType<typeof headOf> } | undefined;
  #fence: number | undefined;
  #madeAt: Millis = -Infinity;
  /** The store came up empty, and what was alive is not back yet. */
  #restoring = false;
  #members = '';
  #stated = '';
  #count = 0;
  #attempt: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #running = false;

  constructor(options: ConsensusOptions) {
    this.#options = options;
  }

  get latest(): ConsensusRecord | undefined {
    return this.#latest;
  }

  /** What the latest one states of all nodes. */
  get head(): ReturnType<typeof headOf> | undefined {
    if (!this.#latest) return undefined;
    if (this.#head?.of !== this.#latest) this.#head = { of: this.#latest, head: headOf(this.#latest.bytes) };
    return this.#head.head;
  }

  /** Throws `no-consensus`. */
  handle({ after }: RequestOf<'consensus'>): Promise<DirectoryResponse> {
    if (!this.#latest) return Promise.reject(new RemoteError('no-consensus'));
    const { sequence, bytes } = this.#latest;
    return Promise.resolve(sequence === after ? ok : { type: 'consensus', bytes });
  }

  /**
   * Takes the chain up where it was left, with the nodes that were there lately, and adds to it at once; a store that is
   * away is asked again until it is back. Throws `bad-key` when the chain is another directory's.
   */
  async start(): Promise<void> {
    this.#running = true;
    await this.#follow().catch((error: unknown) => {
      if (codeOf(error) === 'bad-key') throw error;
    });
    await this.#tick();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancel?.();
    await this.#attempt;
    // A store that is away ends the leadership by itself, with the lease.
    if (this.#fence !== undefined)
      await this.#options.live.retire(this.#options.process).catch(() => undefined);
    this.#fence = undefined;
  }

  get leads(): boolean {
    return this.#fence !== undefined;
  }

  /** The members may be other ones than before. */
  changed(): void {
    const age = this.#options.clock.now() - this.#madeAt;
    if (this.#running && this.#count < SMALL_NETWORK && age >= this.#options.changeMs) void this.#tick();
  }

  async #restoreNodes(): Promise<void> {
    const { archive, live, clock } = this.#options;
    const now = clock.now();
    for (const record of await archive.nodes(now - KEPT_NODES_MS)) {
      if (!(await live.presence(record.node)))
        await live.setPresence(record, record.seen + KEPT_NODES_MS - now);
    }
    await this.#options.restored?.();
  }

  /** One attempt at a time; a store that fails is asked again at the next one, and the latest consensus stays. */
  #tick(): Promise<void> {
    this.#attempt ??= this.#makeIfDue()
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'no consensus could be made');
      })
      .finally(() => {
        this.#attempt = undefined;
        this.#schedule();
      });
    return this.#attempt;
  }

  #schedule(): void {
    this.#cancel?.();
    if (this.#running) this.#cancel = this.#options.clock.after(this.#tickMs(), () => void this.#tick());
  }

  #tickMs(): Millis {
    return Math.min(this.#options.consensusMs / LEASE_TICKS, this.#options.changeMs);
  }

  async #makeIfDue(): Promise<void> {
    await this.#follow();
    if (!(await this.#lead())) return;
    const { live, clock, consensusMs, changeMs } = this.#options;
    this.#restoring ||= await live.wasEmptied();
    if (this.#restoring) await this.#restoreNodes();
    this.#restoring = false;
    const age = clock.now() - this.#madeAt;
    const due = age >= consensusMs;
    if (!due && (age < changeMs || this.#count >= SMALL_NETWORK)) return;
    const presences = await live.presences();
    const members = membersOf(presences);
    const standing = await this.#options.standing(clock.now());
    const stated = statedOf(standing);
    const isNew = members !== this.#members || stated !== this.#stated;
    if (!due && (!isNew || presences.length >= SMALL_NETWORK)) return;
    await this.#make(presences, standing);
    this.#members = members;
    this.#stated = stated;
    this.#count = presences.length;
    this.#madeAt = clock.now();
  }

  /** Takes over what another process made. */
  async #follow(): Promise<void> {
    const { archive } = this.#options;
    const known = this.#latest?.sequence ?? 0;
    if ((await archive.latestSequence()) <= known) return;
    const latest = await archive.latestConsensus();
    if (latest && known === 0) this.#checkKey(latest);
    this.#latest = latest;
  }

  #checkKey({ bytes }: ConsensusRecord): void {
    const { directoryKey } = readConsensus(bytes).verify({});
    if (equal(directoryKey, this.#options.keys.signing.public)) return;
    throw new LocalError(
      'bad-key',
      'the archive holds the chain of a directory with other keys; set HG_KEYS_FILE to the keys that it began with',
    );
  }

  async #lead(): Promise<boolean> {
    const { live, process } = this.#options;
    const leaseMs = Math.max(LEAST_LEASE_MS, LEASE_TICKS * this.#tickMs());
    const floor = this.#latest?.fence ?? 0;
    const before = this.#fence;
    this.#fence = undefined;
    const fence = await live.lead(process, leaseMs, floor);
    if (fence === undefined) return false;
    this.#fence = fence;
    if (fence !== before) {
      this.#madeAt = -Infinity;
      this.#options.led?.();
    }
    return true;
  }

  async #make(presences: Presence[], standing: Standing): Promise<void> {
    const { keys, archive, clock, log, directoryHops, registrationDelayMs, epochs, contribution } =
      this.#options;
    const fence = this.#fence ?? 0;
    const now = clock.now();
    const consensus = compose({
      keys,
      presences,
      previous: this.#latest,
      now,
      ...{ directoryHops, registrationDelayMs, epochs, contribution },
      standing,
    });
    const bytes = signConsensus(keys.signing.secret, consensus);
    const { sequence, time } = consensus;
    const record = { sequence, fence, time, hash: consensusHash(bytes), bytes };
    // Whoever stores a number first has made that consensus; any other one is never shown to anyone.
    const first = await archive.appendConsensus(record);
    this.#latest = first ? record : await archive.latestConsensus();
    await archive.putNodes(presences);
    log.debug({ sequence: this.#latest?.sequence, nodes: consensus.nodes.length, first }, 'consensus');
  }
}

const statedOf = ({ contributionEpoch, contributionRoot, auditPlan, tokenKey }: Standing): string =>
  [String(contributionEpoch), ...[contributionRoot, auditPlan, tokenKey].map(hex)].join();

const membersOf = (presences: Presence[]): string =>
  presences
    .map(({ node, published }) => `${node}@${String(published)}`)
    .sort()
    .join();

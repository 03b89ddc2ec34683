import { consensusHash, signConsensus } from '#shared/directory/consensus.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { DirectoryKeys } from '../keys.ts';
import type { Logger } from '../log.ts';
import type { Archive, ConsensusRecord, Live, Presence } from '../stores/ports.ts';
import { compose } from './compose.ts';
import { ok, type RequestOf, type Service } from './context.ts';

export type ConsensusOptions = {
  keys: DirectoryKeys;
  live: Live;
  archive: Archive;
  clock: Clock;
  log: Logger;
  consensusMs: Millis;
  /** The least time between two consensuses, and how soon a small network hears of a change. */
  changeMs: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
};

/** Under this many nodes everyone links to everyone, so everyone hears of a change at once. */
const SMALL_NETWORK = 24;
/** How long a node that was there before a restart stays listed without a word from it. */
export const KEPT_NODES_MS: Millis = 600_000;

/** Makes the signed chain of consensuses, and serves the latest. */
export class ConsensusMaker implements Service<'consensus'> {
  readonly #options: ConsensusOptions;
  #latest: ConsensusRecord | undefined;
  #madeAt: Millis = -Infinity;
  #members = '';
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

  /** Throws `no-consensus`. */
  handle({ after }: RequestOf<'consensus'>): Promise<DirectoryResponse> {
    if (!this.#latest) return Promise.reject(new RemoteError('no-consensus'));
    const { sequence, bytes } = this.#latest;
    return Promise.resolve(sequence === after ? ok : { type: 'consensus', bytes });
  }

  /** Takes the chain up where it was left, with the nodes that were there lately, and adds to it at once. */
  async start(): Promise<void> {
    this.#running = true;
    this.#latest = await this.#options.archive.latestConsensus();
    await this.#restoreNodes();
    await this.#tick();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancel?.();
    await this.#attempt;
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
    const { clock, consensusMs, changeMs } = this.#options;
    this.#cancel?.();
    if (this.#running) this.#cancel = clock.after(Math.min(consensusMs, changeMs), () => void this.#tick());
  }

  async #makeIfDue(): Promise<void> {
    const { live, clock, consensusMs, changeMs } = this.#options;
    const age = clock.now() - this.#madeAt;
    const due = age >= consensusMs;
    if (!due && (age < changeMs || this.#count >= SMALL_NETWORK)) return;
    const presences = await live.presences();
    const members = membersOf(presences);
    if (!due && (members === this.#members || presences.length >= SMALL_NETWORK)) return;
    await this.#make(presences);
    this.#members = members;
    this.#count = presences.length;
    this.#madeAt = clock.now();
  }

  async #make(presences: Presence[]): Promise<void> {
    const { keys, archive, clock, log, directoryHops, registrationDelayMs } = this.#options;
    const now = clock.now();
    const consensus = compose({
      keys,
      presences,
      previous: this.#latest,
      now,
      directoryHops,
      registrationDelayMs,
    });
    const bytes = signConsensus(keys.signing.secret, consensus);
    const { sequence, time } = consensus;
    const record = { sequence, time, hash: consensusHash(bytes), bytes };
    // Whoever stores a number first has made that consensus; any other one is never shown to anyone.
    const first = await archive.appendConsensus(record);
    this.#latest = first ? record : await archive.latestConsensus();
    await archive.putNodes(presences);
    log.debug({ sequence: this.#latest?.sequence, nodes: consensus.nodes.length, first }, 'consensus');
  }
}

const membersOf = (presences: Presence[]): string =>
  presences
    .map(({ node, published }) => `${node}@${String(published)}`)
    .sort()
    .join();

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEALED_SIGNAL_LENGTH } from '#shared/bytes/fields.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { signDescriptor } from '#shared/directory/descriptor.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { MAIL_ID_LENGTH } from '#shared/directory/mail.ts';
import { signHeartbeat, signRegister, type DirectoryRequest } from '#shared/directory/messages.ts';
import { descriptorId, periodOf, sealContact, type Published } from '#shared/rendezvous/contact.ts';
import { nodeId, type NodeId } from '#shared/units.ts';
import { systemRng } from '#relay/host.ts';
import { DEFAULT_EPOCH_MS, epochAt, epochPlan } from '#shared/contribution/epochs.ts';
import { DirectoryPeer, type DirectoryTarget } from '#tests/support/directory-peer.ts';
import { cpuOfTrees } from './cpu.ts';

export type Kind = 'registrations' | 'heartbeats' | 'signals' | 'descriptor fetches' | 'deposits';

export type Rate = {
  count: number;
  perSecond: number;
  /** What all server processes together spent on one; null without a /proc. */
  serverCpuMs: number | null;
};

/** Peers that ask at the same time; each waits for its answer before it asks again. */
const AT_ONCE = 16;
/** Under what one circuit may ask in a minute. */
const EACH = 20;
const DESCRIPTORS = 20;
const PAUSE_MS = 100;

type Member = { peer: DirectoryPeer; keys: SignKeypair; id: NodeId; reply: Uint8Array };

/** Nobody opens what is sealed to it. */
const signallingKey = xwingKeypair(new Uint8Array(32)).public;

/** Simulated nodes, each with a link and a circuit of its own. */
export class Crowd {
  readonly #members: Member[] = [];
  readonly #target: DirectoryTarget;

  constructor(target: DirectoryTarget) {
    this.#target = target;
  }

  get size(): number {
    return this.#members.length;
  }

  async open(count: number): Promise<void> {
    await inTurns(count, async () => {
      const keys = signKeypair(systemRng(32));
      const peer = await DirectoryPeer.open(this.#target);
      this.#members.push({ peer, keys, id: nodeId(keys.public), reply: systemRng(16) });
    });
  }

  /** Those from `from` on become nodes. */
  async register(from = 0): Promise<void> {
    const newcomers = this.#members.slice(from);
    await inTurns(newcomers.length, async (i) => {
      const { peer, keys, id } = newcomers[i] as Member;
      const descriptor = signDescriptor(keys.secret, {
        ...{ id, onionKey: keys.public, signallingKey, family: undefined, published: Date.now() },
        capabilities: { headless: false, reachable: true, server: false },
      });
      await ask(peer, signRegister(keys.secret, peer.binding, descriptor));
    });
  }

  async listen(): Promise<void> {
    await this.#each(({ peer, reply }) => ask(peer, { type: 'listen', reply }));
  }

  /** Every member asks `EACH` times. */
  async load(kind: Exclude<Kind, 'registrations'>): Promise<number> {
    const ids = kind === 'descriptor fetches' ? await this.#publish() : [];
    await this.#each(async (member, at) => {
      for (let i = 1; i <= EACH; i++) await ask(member.peer, this.#request(kind, member, at + i, i, ids));
    });
    return EACH * this.size;
  }

  close(): void {
    for (const { peer } of this.#members) peer.close();
  }

  #request(
    kind: Exclude<Kind, 'registrations'>,
    { peer, keys, id }: Member,
    at: number,
    counter: number,
    ids: Uint8Array[],
  ): DirectoryRequest {
    const other = this.#members[at % this.size] as Member;
    switch (kind) {
      case 'heartbeats':
        return signHeartbeat(keys.secret, peer.binding, {
          node: id,
          epoch: epochAt(Date.now(), epochPlan(DEFAULT_EPOCH_MS)),
          counter,
          load: 0,
        });
      case 'signals':
        return { type: 'signal', to: other.reply, sealed: new Uint8Array(SEALED_SIGNAL_LENGTH) };
      case 'descriptor fetches':
        return { type: 'lookup', descriptorId: ids[at % ids.length] as Uint8Array };
      case 'deposits':
        return {
          type: 'deposit',
          mailbox: other.keys.public,
          id: systemRng(MAIL_ID_LENGTH),
          blob: new Uint8Array(BLOB_SIZES[0]),
        };
    }
  }

  async #publish(): Promise<Uint8Array[]> {
    const period = periodOf(Date.now());
    const published = Array.from({ length: DESCRIPTORS }, (): Published => {
      const seed = systemRng(32);
      const identity = { public: signKeypair(seed).public, secretSeed: seed };
      const keyPackage = new Uint8Array(0);
      return sealContact(systemRng, identity, period, 1, { inboxes: [], keyPackage, mailbox: undefined });
    });
    await inTurns(published.length, (i) =>
      ask(this.#members[i % this.size]?.peer, { type: 'publish', ...(published[i] as Published) }),
    );
    return published.map(({ blindedKey }) => descriptorId(blindedKey, period));
  }

  #each(work: (member: Member, at: number) => Promise<void>): Promise<void> {
    return inTurns(this.size, (at) => work(this.#members[at] as Member, at));
  }
}

/** How long it took, and what the servers spent. */
export const rateOf = async (servers: number[], work: () => Promise<number>): Promise<Rate> => {
  const [startedAt, before] = [performance.now(), cpuOfTrees(servers)];
  const count = await work();
  const [seconds, after] = [(performance.now() - startedAt) / 1_000, cpuOfTrees(servers)];
  const spent = before === undefined || after === undefined ? null : after - before;
  return { count, perSecond: count / seconds, serverCpuMs: spent === null ? null : spent / count };
};

/** A directory that is too busy for now is asked again: the time counts, the refusal does not. */
const ask = async (peer: DirectoryPeer | undefined, request: DirectoryRequest): Promise<void> => {
  for (;;) {
    const answer = await peer?.ask(request);
    if (answer && !('code' in answer)) return;
    if (answer?.code !== 'try-later' && answer?.code !== 'timeout')
      throw new Error(`${request.type} was answered by ${answer?.code ?? 'nobody'}`);
    await sleep(PAUSE_MS);
  }
};

/** Does `work` for 0 to `count` - 1, several at once. */
const inTurns = async (count: number, work: (at: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, one));
};

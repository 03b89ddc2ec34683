import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import {
  blindedAddress,
  descriptorId,
  openContact,
  PERIOD_MS,
  periodOf,
  type Published,
} from '#shared/rendezvous/contact.ts';
import { inboxId } from '#shared/rendezvous/inbox.ts';
import { nodeId, type Millis } from '#shared/units.ts';
import { findContact } from '#web/core/contacts/finding.ts';
import type { Host } from '#web/core/host.ts';
import { boxOf } from '#web/core/mail/box.ts';
import { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import type { Network } from '#web/core/network.ts';
import type { Profile, User } from '#web/core/profile.ts';
import { lookUp, Publisher } from '#web/core/publisher.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const inbox = {
  exit: nodeId(seed('exit')),
  tag: seed('tag').slice(16),
  onionKey: seed('onion'),
  id: inboxId(seed('onion')),
};
const MINUTE: Millis = 60_000;

/** A user who publishes, and a directory that keeps all of it. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly address = signKeypair(seed('publisher'));
  readonly published = new Map<string, Published>();
  readonly sent: { purpose: string; period: number; at: Millis }[] = [];
  readonly store = memoryStore();
  readonly #rng = seededRng(seed('publisher'));
  asked = 0;
  fails = (): boolean => false;

  async publisher(): Promise<Publisher> {
    const { clock, address } = this;
    return new Publisher({
      pay: (purpose, request) => this.#publish(purpose, request),
      profile: {
        keyPackage: async (_: User, period: number) =>
          Promise.resolve({ public: Uint8Array.of(period % 256) }),
      } as unknown as Profile,
      user: { address } as User,
      ports: { now: clock.now, rng: this.#rng, timer: clock.after } as unknown as Host['ports'],
      firstBoxes: await FirstBoxes.load(this.store, this.#rng),
    });
  }

  get network(): Network {
    const ask = async (_: string, request: DirectoryRequest): Promise<DirectoryResponse> => {
      if (request.type !== 'lookup') throw new Error(request.type);
      this.asked += 1;
      const found = this.published.get(hex(request.descriptorId));
      if (!found) throw new RemoteError('not-found');
      return Promise.resolve({ ...found, type: 'descriptor' });
    };
    return { ask } as unknown as Network;
  }

  lookUp(days = 0): ReturnType<typeof lookUp> {
    return lookUp(this.network, this.address.public, this.clock.now() + days * PERIOD_MS);
  }

  async #publish(purpose: string, request: DirectoryRequest): Promise<DirectoryResponse> {
    if (request.type !== 'publish') throw new Error(request.type);
    if (this.fails()) throw new RemoteError('unreachable');
    const { blindedKey, period } = request;
    expect(blindedKey).toEqual(blindedAddress(this.address.public, period));
    this.published.set(hex(descriptorId(blindedKey, period)), request);
    this.sent.push({ purpose, period: period - periodOf(this.clock.now()), at: this.clock.now() });
    return Promise.resolve({ type: 'ok' });
  }
}

describe('what a user publishes', () => {
  it('is true for this period, and lets them be found while they are away for days', async () => {
    const fixture = new Fixture();
    const publisher = await fixture.publisher();
    publisher.update([inbox]);
    await fixture.clock.pass(9 * MINUTE);
    publisher.stop();
    expect(fixture.sent.map(({ purpose, period }) => [purpose, period])).toEqual([
      ['publish', 0],
      ...Array.from({ length: 7 }, (_, i) => ['ahead', i + 1]),
    ]);
    const gaps = fixture.sent.slice(1).map(({ at }, i) => at - (fixture.sent[i]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
    expect(new Set(gaps).size).toBeGreaterThan(4);

    expect((await fixture.lookUp()).inboxes).toEqual([inbox]);
    const mailboxes = new Set<string>();
    for (let days = 0; days <= 8; days++) {
      const { mailbox } = await fixture.lookUp(days);
      mailboxes.add(hex(mailbox?.mailbox ?? new Uint8Array(0)));
    }
    // The last one is served for one period more.
    expect(mailboxes.size).toBe(8);
    await expect(fixture.lookUp(9)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('names mailboxes that stay the same over reloads, and is published ahead but once', async () => {
    const fixture = new Fixture();
    const first = await fixture.publisher();
    first.update([inbox]);
    await fixture.clock.pass(9 * MINUTE);
    first.stop();
    const { mailbox } = await fixture.lookUp();
    const again = await fixture.publisher();
    again.update([inbox]);
    await fixture.clock.pass(9 * MINUTE);
    again.stop();
    expect(fixture.sent).toHaveLength(9);
    expect((await fixture.lookUp()).mailbox).toEqual(mailbox);
    const boxes = await FirstBoxes.load(fixture.store, seededRng(seed('x')));
    const kept = await boxes.of(periodOf(fixture.clock.now()), fixture.clock.now());
    expect(boxOf(kept).public).toEqual(mailbox);
  });

  it('is tried until the directory has it', async () => {
    const fixture = new Fixture();
    const publisher = await fixture.publisher();
    fixture.fails = () => true;
    publisher.update([inbox]);
    await fixture.clock.pass(MINUTE);
    expect(publisher.published).toBe(false);
    fixture.fails = () => false;
    await fixture.clock.pass(20 * MINUTE);
    expect(publisher.published).toBe(true);
    expect(new Set(fixture.sent.map(({ period }) => period)).size).toBe(8);
    publisher.stop();
  });
});

describe('looking for a contact', () => {
  it('waits a little for one who has come just now', async () => {
    const fixture = new Fixture();
    const { clock, network, address } = fixture;
    const timer = (delayMs: Millis, task: () => void): (() => void) => clock.after(delayMs, task);
    const ports = { now: clock.now, timer } as unknown as Host['ports'];
    const look = (): ReturnType<typeof findContact> => findContact(network, ports, address.public);
    const nobody = expect(look()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('try again in a moment') as string,
    });
    await clock.pass(MINUTE);
    await nobody;
    const found = look();
    await clock.pass(2_000);
    const publisher = await fixture.publisher();
    publisher.update([inbox]);
    await clock.pass(5_000);
    publisher.stop();
    expect((await found).inboxes).toEqual([inbox]);
  });

  it('finds inboxes of the last period as long as there are none of this one', async () => {
    const fixture = new Fixture();
    const publisher = await fixture.publisher();
    publisher.update([inbox]);
    await fixture.clock.pass(9 * MINUTE);
    expect(fixture.asked).toBe(0);
    await fixture.lookUp();
    expect(fixture.asked).toBe(1);
    const tomorrow = await fixture.lookUp(1);
    expect(fixture.asked).toBe(3);
    expect(tomorrow.inboxes).toEqual([inbox]);
    // What is to be used of it is of the present period all the same.
    expect(tomorrow.keyPackage).toEqual(Uint8Array.of((periodOf(fixture.clock.now()) + 1) % 256));
    expect((await fixture.lookUp(2)).inboxes).toEqual([]);
    publisher.stop();
  });

  it('is as the owner sealed it, in the period asked for', async () => {
    const fixture = new Fixture();
    const publisher = await fixture.publisher();
    publisher.update([inbox]);
    await fixture.clock.pass(9 * MINUTE);
    publisher.stop();
    const period = periodOf(fixture.clock.now());
    const id = (of: number): string => hex(descriptorId(blindedAddress(fixture.address.public, of), of));
    // The directory answers with what is for another day.
    for (const days of [1, 3]) {
      fixture.published.set(id(period), fixture.published.get(id(period + days)) as Published);
      await expect(fixture.lookUp()).rejects.toMatchObject({ code: 'unexpected' });
    }
    const ahead = fixture.published.get(id(period + 1)) as Published;
    expect(openContact(fixture.address.public, ahead, fixture.clock.now()).inboxes).toEqual([]);
  });
});

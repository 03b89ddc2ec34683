import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  descriptorId,
  openContact,
  PERIODS_AHEAD,
  periodOf,
  sealContact,
  type Published,
} from '#shared/rendezvous/contact.ts';
import { DirectoryFixture } from './directory-fixture.ts';

const DAY_MS = 24 * 3_600_000;
const ok = { type: 'ok' };
const refusal = (code: string): object => ({ type: 'error', code });

const owner = signKeypair(new Uint8Array(32).fill(5));
const identity = { public: owner.public, secretSeed: owner.secret };
const rng = seededRng(new Uint8Array(32));
const descriptor = { inboxes: [], keyPackage: Uint8Array.of(1, 2, 3), mailbox: undefined };

const publicationOf = (period: number, revision: number): Published =>
  sealContact(rng, identity, period, revision, descriptor);

describe('contact descriptors', () => {
  let folder: string;
  let fixture: DirectoryFixture;
  let period: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-descriptors-'));
    fixture = new DirectoryFixture(join(folder, 'archive.sqlite'), { maxDescriptors: 2 });
    await fixture.directory.start();
    period = periodOf(fixture.clock.now());
  });
  afterEach(async () => {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  });

  const publish = (publication: Published): Promise<object> =>
    fixture.client(1).ask({ type: 'publish', ...publication });
  const lookup = ({ blindedKey, period: of }: Published): Promise<object> =>
    fixture.client(2).ask({ type: 'lookup', descriptorId: descriptorId(blindedKey, of) });

  it('are found by who holds the address, as they were published', async () => {
    const publication = publicationOf(period, 1);
    expect(await publish(publication)).toEqual(ok);
    const found = await lookup(publication);
    expect(found).toEqual({ type: 'descriptor', ...publication });
    expect(openContact(owner.public, found as unknown as Published, fixture.clock.now())).toMatchObject(
      descriptor,
    );
    expect(await lookup(publicationOf(period + 1, 1))).toEqual(refusal('not-found'));
  });

  it('are replaced by higher revisions only, and a publication sent again is answered as before', async () => {
    const publication = publicationOf(period, 5);
    expect(await publish(publication)).toEqual(ok);
    expect(await publish(publication)).toEqual(ok);
    for (const revision of [4, 5])
      expect(await publish(publicationOf(period, revision))).toEqual(refusal('stale'));
    const next = publicationOf(period, 6);
    expect(await publish(next)).toEqual(ok);
    expect(await publish(publication)).toEqual(refusal('stale'));
    expect(await lookup(next)).toMatchObject({ revision: 6 });
  });

  it('are refused when forged or of another time', async () => {
    const publication = publicationOf(period, 1);
    for (const forged of [
      { ...publication, revision: 2 },
      { ...publication, period: period + 1 },
      { ...publication, blob: new Uint8Array(16_384) },
      { ...publication, blindedKey: owner.public },
    ]) {
      expect(await publish(forged)).toEqual(refusal('bad-signature'));
    }
    for (const off of [-2, PERIODS_AHEAD + 1])
      expect(await publish(publicationOf(period + off, 1))).toEqual(refusal('stale'));
    for (const off of [-1, 1]) expect(await publish(publicationOf(period + off, 1))).toEqual(ok);
  });

  it('may be published ahead, and are found in their own period and in the one after it', async () => {
    const ahead = publicationOf(period + PERIODS_AHEAD, 1);
    expect(await publish(ahead)).toEqual(ok);
    const id = descriptorId(ahead.blindedKey, ahead.period);
    const at = (days: number): Promise<object | undefined> =>
      fixture.archive.descriptor(id, fixture.clock.now() + days * DAY_MS);
    expect(await at(PERIODS_AHEAD)).toMatchObject(ahead);
    expect(await at(PERIODS_AHEAD + 1)).toMatchObject(ahead);
    expect(await at(PERIODS_AHEAD + 2)).toBeUndefined();
  });

  it('are gone after the period that follows their own', async () => {
    const publication = publicationOf(period, 1);
    await publish(publication);
    const left = (period + 2) * DAY_MS - fixture.clock.now();
    await fixture.archive.sweep({
      now: fixture.clock.now() + left - 1,
      nodesBefore: 0,
      chainBefore: 0,
      eventsBefore: 0,
    });
    expect(await fixture.archive.descriptorCount()).toBe(1);
    await fixture.archive.sweep({
      now: fixture.clock.now() + left,
      nodesBefore: 0,
      chainBefore: 0,
      eventsBefore: 0,
    });
    expect(await fixture.archive.descriptorCount()).toBe(0);
    expect(await lookup(publication)).toEqual(refusal('not-found'));
  });

  it('are no more than there is room for, of which those that stand can be renewed', async () => {
    const [one, two, three] = [-1, 0, 1].map((off) => publicationOf(period + off, 1)) as [
      Published,
      Published,
      Published,
    ];
    await publish(one);
    await publish(two);
    await fixture.clock.pass(60_000);
    expect(await publish(three)).toEqual(refusal('too-many'));
    expect(await publish(publicationOf(period, 2))).toEqual(ok);
  });
});

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  decodeInvite,
  encodeInvite,
  Invites,
  readInvite,
  type InviteOptions,
} from '#web/core/contacts/invites.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import type { InviteView } from '#web/api.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const rng = seededRng(new Uint8Array(32).fill(3));
const own = { address: signKeypair(rng(32)).public, name: 'Ondine' };

let store: Store;
let invites: Invites;

const create = (options: InviteOptions = {}): Promise<InviteView> =>
  invites.create('https://example.org', own, options, rng, NOW);

const tokenOf = ({ link }: InviteView): Uint8Array => readInvite(link, NOW).token;

beforeEach(async () => {
  store = memoryStore();
  invites = await Invites.load(store, NOW);
});

describe('invites', () => {
  it('are good for seven days and one contact', async () => {
    const made = await create();
    expect(made).toMatchObject({ reusable: false, uses: 0, createdAt: NOW, expiresAt: NOW + 7 * DAY });
    expect(readInvite(made.link, NOW)).toMatchObject(own);
    expect(refusalOf(() => readInvite(made.link, NOW + 7 * DAY))).toBe('expired');
    const redeemed = invites.redeem(tokenOf(made), NOW);
    expect(redeemed?.wanted).toBe(true);
    expect(invites.list(NOW)).toEqual([made]);
    await store.write(redeemed?.use() ?? []);
    expect(invites.redeem(tokenOf(made), NOW)).toBeUndefined();
    expect(await store.all('invites')).toEqual([]);
  });

  it('that are reusable count who came, and those only ask', async () => {
    const made = await create({ reusable: true, days: 30 });
    expect(made.expiresAt).toBe(NOW + 30 * DAY);
    for (const uses of [1, 2, 3]) {
      const redeemed = invites.redeem(tokenOf(made), NOW + DAY);
      expect(redeemed?.wanted).toBe(false);
      await store.write(redeemed?.use() ?? []);
      const again = await Invites.load(store, NOW);
      expect(again.list(NOW)).toEqual([{ ...made, uses }]);
    }
    expect(invites.redeem(tokenOf(made), NOW + 30 * DAY)).toBeUndefined();
  });

  it('are good for 1 to 30 whole days', async () => {
    for (const days of [0, 31, 1.5, -1, NaN])
      await expect(create({ days })).rejects.toMatchObject({ code: 'malformed' });
    expect((await create({ days: 1 })).expiresAt).toBe(NOW + DAY);
  });

  it('can be revoked, once', async () => {
    const [made, other] = [await create(), await create({ reusable: true })];
    await invites.revoke(made.id);
    expect(invites.list(NOW)).toEqual([other]);
    expect(invites.redeem(tokenOf(made), NOW)).toBeUndefined();
    await expect(invites.revoke(made.id)).rejects.toMatchObject({ code: 'not-found' });
    expect((await Invites.load(store, NOW)).list(NOW)).toEqual([other]);
  });

  it('end', async () => {
    await create({ days: 1 });
    const kept = await create({ days: 2 });
    expect(invites.list(NOW + DAY)).toEqual([kept]);
    expect((await Invites.load(store, NOW + DAY)).list(NOW)).toEqual([kept]);
    expect((await store.all('invites')).length).toBe(1);
  });

  it('that this program gives are good, and are shown to nobody', async () => {
    const { invite, change } = invites.createUnshown(own, rng, NOW);
    await store.write([change]);
    const again = await Invites.load(store, NOW);
    expect(again.list(NOW)).toEqual([]);
    const { token, address } = decodeInvite(invite, NOW);
    expect(address).toEqual(own.address);
    expect(again.redeem(token, NOW)?.wanted).toBe(true);
  });
});

describe('an invite', () => {
  const any = fc.record({
    address: anyBytes(32).map((seed) => signKeypair(seed).public),
    token: anyBytes(16),
    expiresAt: fc.integer({ min: NOW + 1, max: NOW * 2 }),
    name: fc.string({ unit: 'binary', maxLength: 16 }),
  });

  it('reads as it was written', () => {
    fc.assert(
      fc.property(any, (invite) => {
        expect(decodeInvite(encodeInvite(invite), NOW)).toEqual({ version: 1, ...invite });
        expect(encodeInvite(invite).length).toBeLessThanOrEqual(128);
      }),
      runs(50),
    );
  });

  it('of anything else is refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyBytes(0, 200), any.map(encodeInvite)),
        fc.nat(150),
        fc.nat(255),
        (bytes, at, value) => {
          const altered = bytes.slice();
          if (at < altered.length) altered[at] = value;
          expectOnlyRefusals((each) => decodeInvite(each, NOW), altered);
        },
      ),
      runs(100),
    );
    expect(refusalOf(() => readInvite('https://example.org', NOW))).toBe('bad-invite');
    expect(refusalOf(() => readInvite('#i/AAAA*', NOW))).toBe('bad-invite');
  });
});

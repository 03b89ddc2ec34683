import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import type { InboxRef } from '#shared/node/input.ts';
import { InboxShares, OWN_INBOXES } from '#web/core/contacts/inbox-shares.ts';
import { runs } from '#tests/support/runs.ts';

const inbox = (n: number): InboxRef =>
  ({
    tag: new Uint8Array(16).fill(n),
    exit: '',
    onionKey: new Uint8Array(32),
    id: new Uint8Array(32),
  }) as unknown as InboxRef;

it('the user`s own address has its inboxes first, and then the handle', () => {
  const shares = new InboxShares();
  expect(shares.share([inbox(1), inbox(2)], true)).toEqual({ own: [inbox(1), inbox(2)], handle: [] });
  expect(shares.share([inbox(1), inbox(2), inbox(3)], true).handle).toEqual([inbox(3)]);
  // One of the own is lost and made anew; it is the own address's again.
  expect(shares.share([inbox(4), inbox(2), inbox(3)], true).own).toEqual([inbox(4), inbox(2)]);
  // Without a handle what was its inbox serves nobody.
  expect(shares.share([inbox(2), inbox(3)], false)).toEqual({ own: [inbox(2)], handle: [] });
});

it('no inbox is ever in both descriptors, at the same time or one after the other', () => {
  const step = fc.record({ tags: fc.uniqueArray(fc.nat(20), { maxLength: 4 }), handle: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const shares = new InboxShares();
      const seen = { own: new Set<string>(), handle: new Set<string>() };
      for (const { tags, handle } of steps) {
        const shared = shares.share(tags.map(inbox), handle);
        for (const { tag } of shared.own) seen.own.add(hex(tag));
        for (const { tag } of shared.handle) seen.handle.add(hex(tag));
        if (!handle) expect(shared.handle).toEqual([]);
        else expect(shared.own.length).toBeLessThanOrEqual(Math.max(OWN_INBOXES, tags.length));
      }
      expect([...seen.own].filter((tag) => seen.handle.has(tag))).toEqual([]);
    }),
    runs(100),
  );
});

import { beforeEach, describe, expect, it } from 'vitest';
import { InboxTable } from '#shared/node/inbox-table.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';

const tag = (name: string): Uint8Array => seed(name).slice(0, 16);
const terms = { leaseMs: 1000 };

describe('a table of inboxes', () => {
  let table: InboxTable<string>;
  beforeEach(() => {
    table = new InboxTable(3);
    for (const name of ['a', 'b', 'c']) table.open(tag(name), name, NOW, terms);
  });

  it('has so many places, which leases and owners free', () => {
    expect(refusalOf(() => table.open(tag('d'), 'd', NOW, terms))).toBe('too-many');
    table.open(tag('a'), 'a', NOW + 500, terms);
    expect(table.nextEnd).toBe(NOW + 1000);
    table.sweep(NOW + 999);
    expect(table.size).toBe(3);
    table.sweep(NOW + 1000);
    expect([table.size, table.has(tag('a')), table.nextEnd]).toEqual([1, true, NOW + 1500]);
    expect([table.giveUp('a'), table.giveUp('a')]).toEqual([true, false]);
    expect([table.size, table.nextEnd]).toEqual([0, Infinity]);
  });

  it('keeps the place of a lost circuit, and gives it back as long as it was', () => {
    table.release('b');
    expect(table.size).toBe(3);
    expect(refusalOf(() => table.introduce(tag('b'), NOW))).toBe('unreachable');
    table.resume(tag('b'), 'again');
    expect(table.introduce(tag('b'), NOW + 999)).toBe('again');
    expect(refusalOf(() => table.introduce(tag('b'), NOW + 1000))).toBe('not-found');
    expect(refusalOf(() => table.resume(tag('d'), 'd'))).toBe('not-found');
  });

  it('knows for what work a lease was given', () => {
    table.open(tag('a'), 'a', NOW, { leaseMs: 1000, work: 7 });
    expect([7, 8].map((work) => table.hasSpent(tag('a'), work))).toEqual([true, false]);
    expect(table.hasSpent(tag('b'), 7)).toBe(false);
  });
});

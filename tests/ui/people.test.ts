import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHandle } from '#shared/directory/records.ts';
import type { ConversationView } from '#web/api.ts';
import { digitGroups, handleIn, inGroups } from '#web/ui/view/addresses.ts';
import { badgeOf } from '#web/ui/view/badges.ts';
import { tasksOf } from '#web/ui/view/checklist.ts';
import { addable } from '#web/ui/view/groups.ts';
import { FakeClient } from '#tests/support/fake-client.ts';
import { group } from '#tests/support/fake-people.ts';

const people = new FakeClient('people').state.conversations;
const called = (name: string): ConversationView => people.find((one) => one.name === name)!;

describe('addresses and numbers', () => {
  it('a safety number is read in twelve groups of five, whatever stands between the digits', () => {
    const digits = '0123456789'.repeat(6);
    const groups = digitGroups(digits.replace(/(.{5})/g, '$1 '));
    expect(groups).toHaveLength(12);
    expect(groups.every((one) => one.length === 5)).toBe(true);
    expect(groups.join('')).toBe(digits);
    expect(digitGroups('')).toEqual([]);
  });

  it('an address is cut into fours and nothing of it is lost', () => {
    expect(inGroups('abcdefghij')).toBe('abcd efgh ij');
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z2-7]{0,60}$/), (address) => {
        expect(inGroups(address).replaceAll(' ', '')).toBe(address);
      }),
    );
  });

  it('what is taken for a handle is what the directory takes', () => {
    expect(handleIn(' @Rowan.Tree ')).toBe('rowan.tree');
    expect(handleIn('ab')).toBeNull();
    expect(handleIn('1abc')).toBeNull();
    expect(handleIn('https://x')).toBeNull();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9_.-]{1,34}$/)), (text) => {
        const name = text.trim().replace(/^@/, '').toLowerCase();
        expect(handleIn(text)).toBe(isHandle(name) ? name : null);
      }),
    );
  });
});

describe('the people of a chat list', () => {
  it('only contacts who accepted and are not blocked can be put into a group', () => {
    const names = addable(people, null).map((one) => one.name);
    expect(names).toContain('Mira');
    for (const name of ['Rowan', 'Ondine', 'Juniper', 'Reading circle']) expect(names).not.toContain(name);
  });

  it('who is in the group already is not offered again', () => {
    const circle = called('Reading circle');
    const names = addable(people, circle).map((one) => one.name);
    expect(names).not.toContain('Mira');
    expect(names).toContain('Linden');
    expect(addable(people, group('None', 9, [])).length).toBeGreaterThan(names.length);
  });

  it('a row tells of what has to be answered before anything else', () => {
    expect(badgeOf(called('Rowan'))).toMatchObject({ kind: 'sand', text: 'Wants to talk' });
    expect(badgeOf(called('Kestrel'))).toMatchObject({ kind: 'danger', text: 'Key changed' });
    expect(badgeOf(called('Juniper'))).toMatchObject({ text: 'Blocked' });
    expect(badgeOf({ ...called('Kestrel'), blocked: true })).toMatchObject({ text: 'Blocked' });
    expect(badgeOf(called('Mira'))).toBeNull();
  });
});

describe('what there is to do once there is something to lose', () => {
  const keeping = { locked: false, phraseKept: false, serverBackup: null, error: null, moved: false };

  it('offers only what this browser can do', () => {
    const bare = tasksOf({ keeping }, { persisted: false, canPersist: false, install: 'none' });
    expect(bare.map((task) => task.name)).toEqual(['phrase', 'lock']);
    const rich = tasksOf({ keeping }, { persisted: false, canPersist: true, install: 'offered' });
    expect(rich.map((task) => task.name)).toEqual(['phrase', 'lock', 'keep', 'install']);
    expect(rich.every((task) => !task.done)).toBe(true);
  });

  it('counts what is done', () => {
    const done = tasksOf(
      { keeping: { ...keeping, locked: true, phraseKept: true } },
      { persisted: true, canPersist: true, install: 'installed' },
    );
    expect(done).toHaveLength(4);
    expect(done.every((task) => task.done)).toBe(true);
  });
});

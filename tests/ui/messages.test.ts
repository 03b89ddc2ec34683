import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationView, MessageView } from '#web/api.ts';
import { actsOf, closedBy } from '#web/ui/view/acts.ts';
import { lengthText, sandLeft, shortLength, timers } from '#web/ui/view/lengths.ts';
import { aroundHit, eventText, lineOf } from '#web/ui/view/lines.ts';
import { authorOf, newestFirst, othersOf, peopleOf } from '#web/ui/view/people.ts';
import { placed } from '#web/ui/view/placing.ts';
import { emojiIn, moreEmoji, ownReaction, palette, reactionsOf } from '#web/ui/view/reactions.ts';
import { keptLines, linesOf } from '#web/ui/view/runs.ts';
import { foundOf } from '#web/ui/view/search.ts';
import { deliveriesOf, hasArrived, reachOf, shownState, stateWord, stepsOf } from '#web/ui/view/states.ts';
import { FakeClient } from '#tests/support/fake-client.ts';
import { circleView, fileOf, message } from '#tests/support/fake-thread.ts';

const minute = 60_000;
const contact = new FakeClient('busy').state.conversations[0]!;
const circle = circleView(contact);
const others = ['Mira', 'Kestrel', 'Ondine', 'Juniper', 'Sorrel'];
const people = peopleOf(circle, [contact], []);

const mine = (rest: Partial<MessageView>): MessageView => message('circle', true, 'x', 0, rest);
const theirs = (author: string, ago: number, rest: Partial<MessageView> = {}): MessageView =>
  message('circle', false, 'x', ago, { author, ...rest });

describe('people', () => {
  it('are members, contacts, or known from when they came and went', () => {
    const gone = theirs('Mira', 0, { event: { type: 'removed', member: 'Fenn', name: 'Fenn' } });
    const left = { ...circle, former: [{ id: 'Ash', name: 'Ash', self: false }] };
    expect(peopleOf(left, [], [])('Ash')).toBe('Ash');
    const told = peopleOf(circle, [{ ...contact, id: 'wren', name: 'Wren' }], [gone]);
    expect([null, 'me', 'Kestrel', 'wren', 'Fenn', 'nobody'].map(told)).toEqual([
      ...['You', 'You', 'Kestrel', 'Wren', 'Fenn', 'A former member'],
    ]);
  });

  it('and groups are listed by when something last happened here, whatever others` clocks say', () => {
    const at = (id: string, since: number, claimed = since): ConversationView => ({
      ...{ ...contact, id },
      last: message(id, false, 'x', 0, { sentAt: claimed, timeline: [{ state: 'delivered', at: since }] }),
    });
    const all = [at('old', 1, 99), at('new', 3), { ...contact, id: 'bare', last: null }, at('middle', 2)];
    expect(newestFirst(all).map(({ id }) => id)).toEqual(['bare', 'new', 'middle', 'old']);
  });

  it('of a conversation with a contact is the contact', () => {
    expect(othersOf(contact)).toEqual([contact.id]);
    const one = message(contact.id, false, 'x', 0);
    expect(peopleOf(contact, [contact], [])(authorOf(one))).toBe('Mira');
    expect(authorOf({ ...one, mine: true })).toBeNull();
  });
});

describe('the state of a message', () => {
  it('with a contact is said by its word and reason', () => {
    const word = (rest: Partial<MessageView>): string => stateWord(mine(rest), contact);
    expect(word({ state: 'stored' })).toBe('Waiting at the server');
    expect(word({ state: 'read' })).toBe('Seen');
    expect(word({ state: 'queued', reason: 'blocked' })).toBe('Waiting: the contact is blocked');
    expect(word({ state: 'failed', reason: 'timeout' })).toBe('Not sent: no answer in time');
    expect(word({ state: 'failed' })).toBe('Not sent');
  });

  it('with a contact who is not there is said by what it waits for now, though it left before', () => {
    const away = (waiting: 'circuit' | 'contact'): ConversationView => ({
      ...{ ...contact, reachable: false, waiting },
    });
    for (const state of ['queued', 'sending'] as const) {
      const one = mine({ state, reason: 'circuit' });
      expect(stateWord(one, away('contact'))).toBe('Waiting for Mira');
      expect(stateWord(one, away('circuit'))).toBe('Waiting for a circuit');
      expect(shownState(one, away('contact'))).toBe('queued');
      expect(shownState(one, contact)).toBe(state);
    }
    expect(stateWord(mine({ state: 'sending' }), contact)).toBe('Sending');
    expect(stateWord(mine({ state: 'stored' }), away('contact'))).toBe('Waiting at the server');
  });

  it('in a group counts who has it, and never calls a part of them a failure', () => {
    const some = mine({ state: 'failed', reason: 'timeout', deliveredTo: others.slice(1) });
    expect(stateWord(some, circle)).toBe('Delivered to 4 of 5');
    expect(shownState(some, circle)).toBe('delivered');
    expect(hasArrived(some, reachOf(some, circle))).toBe(false);
    const none = mine({ state: 'failed', reason: 'timeout' });
    expect(stateWord(none, circle)).toBe('Not sent: no answer in time');
    const all = mine({ deliveredTo: others });
    expect(stateWord(all, circle)).toBe('Delivered');
    expect(hasArrived(all, reachOf(all, circle))).toBe(true);
    expect(stateWord({ ...all, readBy: others.slice(0, 2) }, circle)).toBe('Seen by 2 of 5');
    expect(stateWord({ ...all, readBy: others }, circle)).toBe('Seen');
  });

  it('counts who had it and has left since', () => {
    const left = mine({ deliveredTo: [...others, 'Fenn'] });
    expect(reachOf(left, circle)).toEqual({ got: 6, seen: 0, of: 6 });
  });

  it('does not wait for those who came after everybody had it', () => {
    const old = mine({ state: 'delivered', deliveredTo: ['Mira', 'Kestrel'] });
    expect(stateWord(old, circle)).toBe('Delivered');
    expect(hasArrived(old, reachOf(old, circle))).toBe(true);
    expect(deliveriesOf(old, circle).map(({ id }) => id)).toEqual(['Mira', 'Kestrel']);
    expect(stateWord({ ...old, state: 'sending' }, circle)).toBe('Delivered to 2 of 5');
  });

  it('names each member, those without it last', () => {
    const some = mine({ state: 'sending', deliveredTo: ['Ondine', 'Sorrel'], readBy: ['Sorrel'] });
    expect(deliveriesOf(some, circle).map(({ id, has }) => `${id} ${has}`)).toEqual([
      ...['Sorrel seen', 'Ondine has', 'Mira hasNot', 'Kestrel hasNot', 'Juniper hasNot'],
    ]);
    expect(deliveriesOf(some, contact)).toEqual([]);
  });

  it('says when each was entered, with the date where it is another', () => {
    const sentAt = new Date(2026, 10, 28, 14, 30).getTime();
    const timeline = [
      { state: 'queued' as const, at: sentAt },
      { state: 'stored' as const, at: sentAt + minute },
      { state: 'delivered' as const, at: sentAt + 3 * 24 * 60 * minute },
    ];
    const steps = stepsOf(mine({ timeline, sentAt }));
    expect(steps.map((step) => [step.text, step.day])).toEqual([
      ['Queued', false],
      ['Waiting at the server', false],
      ['Delivered', true],
    ]);
  });
});

describe('lines of a thread', () => {
  it('name the author once a run, and begin another where the author changes or something happened', () => {
    const day = new Date(2026, 10, 28, 12).getTime();
    const at = (one: MessageView, minutes: number): MessageView => ({
      ...one,
      sentAt: day + minutes * minute,
    });
    const lines = linesOf(
      [
        at(theirs('Mira', 0), 0),
        at(theirs('Mira', 0), 1),
        at(theirs('Kestrel', 0), 2),
        at(theirs('Kestrel', 0, { event: { type: 'left', member: null } }), 2.5),
        at(theirs('Kestrel', 0), 3),
        at(mine({}), 4),
      ],
      circle,
    );
    expect(lines.map((line) => line.named)).toEqual([true, false, true, false, true, false]);
    expect(lines.map((line) => line.last)).toEqual([false, true, true, true, true, true]);
    expect(linesOf([theirs('Mira', 0)], contact)[0]?.named).toBe(false);
  });

  it('state the last own message of a run, and each that has not arrived', () => {
    const stated = (states: Partial<MessageView>[]): boolean[] =>
      linesOf(states.map(mine), contact).map((line) => line.stated);
    expect(stated([{}, { state: 'stored' }, { state: 'read' }, {}])).toEqual([false, true, false, true]);
    expect(stated([{ expiresAt: Date.now() + minute }, {}])).toEqual([true, true]);
  });
});

describe('lines that are drawn again', () => {
  it('are those about which something changed, and no others', () => {
    const messages = [mine({ state: 'sending' }), mine({}), mine({})];
    const before = linesOf(messages, contact);
    const byId = new Map(before.map((line) => [line.message.id, line]));
    const again = keptLines(linesOf(messages, { ...contact }), byId);
    expect(again.map((line, i) => line === before[i])).toEqual([true, true, true]);
    const next = [{ ...messages[0]!, state: 'delivered' as const }, messages[1]!, messages[2]!, mine({})];
    const changed = keptLines(linesOf(next, contact), byId);
    // The third is not the last of its run any more.
    expect(changed.map((line, i) => line === before[i])).toEqual([false, true, false, false]);
    expect(changed.map((line) => line.message)).toEqual(next);
  });
});

describe('what happened', () => {
  const told = (event: MessageView['event'], author: string | null = 'Mira'): string =>
    eventText(message('circle', author === null, '', 0, { author, event }), people);

  it('is told with who did it and to whom', () => {
    expect(told({ type: 'created', member: null }, null)).toBe('You created the group');
    expect(told({ type: 'added', member: 'me', name: 'Alder' })).toBe('Mira added you');
    expect(told({ type: 'removed', member: 'Fenn', name: 'Fenn' }, null)).toBe('You removed Fenn');
    expect(told({ type: 'left', member: null }, 'Kestrel')).toBe('Kestrel left');
    expect(told({ type: 'renamed', member: null, name: 'Tides' })).toBe('Mira named the group “Tides”');
    expect(told({ type: 'timer', member: null, ms: 3_600_000 }, null)).toBe(
      'You set new messages to disappear after 1 hour',
    );
    expect(told({ type: 'timer', member: null, ms: undefined })).toBe(
      'Mira turned disappearing messages off',
    );
    expect(told({ type: 'key-changed', member: null })).toBe('Mira’s key changed');
  });

  it('is told without who did it where that is not known', () => {
    const said = (event: MessageView['event']): string =>
      eventText(message('circle', false, '', 0, { author: null, event }), people);
    expect(said({ type: 'added', member: 'me', name: 'Alder' })).toBe('You were added');
    expect(said({ type: 'added', member: 'Mira', name: 'Mira' })).toBe('Mira was added');
    expect(said({ type: 'removed', member: 'Fenn', name: 'Fenn' })).toBe('Fenn was removed');
    expect(said({ type: 'removed', member: 'me', name: 'Alder' })).toBe('You were removed');
    expect(said({ type: 'renamed', member: null, name: 'Tides' })).toBe('The group is named “Tides” now');
  });

  it('and what was written or sent stand in one line', () => {
    const file = fileOf(theirs('Mira', 0, { file: 'f' }), { name: 'tide.pdf' });
    expect(lineOf(theirs('Mira', 0, { text: 'two\n lines' }), undefined, people)).toBe('two lines');
    expect(lineOf(theirs('Mira', 0, { file: 'f', text: '' }), file, people)).toBe('tide.pdf');
    expect(lineOf(theirs('Mira', 0, { deleted: true }), undefined, people)).toBe('This message was deleted');
  });
});

describe('reactions', () => {
  it('are counted by emoji, with names and the own one told apart', () => {
    const one = theirs('Mira', 0, {
      reactions: [
        { by: 'Kestrel', emoji: '👍' },
        { by: null, emoji: '🌊' },
        { by: null, emoji: '👍' },
      ],
    });
    expect(reactionsOf(one, people)).toEqual([
      { emoji: '👍', count: 2, mine: true, names: ['Kestrel', 'You'] },
      { emoji: '🌊', count: 1, mine: true, names: ['You'] },
    ]);
    expect(ownReaction(theirs('Mira', 0))).toBeNull();
  });

  it('are single emoji, of which the palettes hold nothing else and none twice', () => {
    const all = [...palette, ...moreEmoji];
    expect(all.map(emojiIn)).toEqual(all);
    expect(new Set(all).size).toBe(all.length);
    expect([' 🦊 ', '👩🏽‍🚀', '🇵🇹', '1️⃣', '❤'].map(emojiIn)).toEqual(['🦊', '👩🏽‍🚀', '🇵🇹', '1️⃣', '❤️']);
    expect(['', 'a', '👍👍', '1', ':)', '<b>'].map(emojiIn)).toEqual([null, null, null, null, null, null]);
    // The longest of all has 35 bytes, and a reaction 32.
    expect(emojiIn('👩🏻‍❤️‍💋‍👩🏼')).toBeNull();
  });
});

describe('what may be done with a message', () => {
  const acts = (rest: Partial<MessageView>, conversation: ConversationView = contact): string =>
    actsOf(mine(rest), conversation, undefined).join(' ');

  it('depends on whose it is, on what is left of it, and on whether anything can be said', () => {
    expect(acts({})).toBe('react reply copy details delete deleteAll');
    expect(acts({ mine: false })).toBe('react reply copy details delete');
    expect(acts({ deleted: true, text: '' })).toBe('details delete');
    expect(acts({ event: { type: 'left', member: null } })).toBe('');
    expect(acts({}, { ...contact, blocked: true })).toBe('copy details delete');
    const file = fileOf(mine({ file: 'f' }), { state: 'done' });
    expect(actsOf(mine({ file: 'f', text: '' }), contact, file)).toContain('save');
  });

  it('and what can be said, on where the two stand', () => {
    expect(closedBy(contact)).toBeNull();
    expect(closedBy({ ...contact, state: 'requested' })).toBeNull();
    expect(closedBy({ ...contact, state: 'invited' })).toBe('invited');
    expect(closedBy({ ...contact, state: 'left' })).toBe('left');
    expect(closedBy({ ...contact, verified: 'changed' })).toBe('paused');
  });
});

describe('lengths of time', () => {
  it('are said in the largest unit, rounded up', () => {
    expect(timers.slice(1).map((ms) => lengthText(ms ?? 0))).toEqual(['1 hour', '1 day', '1 week']);
    expect([6.2 * 86_400_000, 59_000, 1, 0].map(shortLength)).toEqual(['7 d', '59 s', '1 s', '0 s']);
    expect(lengthText(8 * 86_400_000)).toBe('8 days');
  });

  it('of what is left run from all to nothing', () => {
    expect([0, 25, 100, 400].map((now) => sandLeft(0, 100, now))).toEqual([1, 0.75, 0, 0]);
    expect(sandLeft(100, 100, 0)).toBe(0);
  });
});

describe('search', () => {
  it('shows chats by their names, then messages of chats that are here', () => {
    const hit = message('Mira', false, 'the map', 0);
    const lost = message('nobody', false, 'the map', 0);
    const gone = message('Mira', false, '', 0, { deleted: true });
    const found = foundOf([contact, circle], ' MI', [hit, lost, gone]);
    expect(found.map((one) => (one.kind === 'chat' ? one.conversation.id : one.message.id))).toEqual([
      'Mira',
      hit.id,
    ]);
  });

  it('shows the place where the words stand', () => {
    const text = `${'a'.repeat(50)} the Map of it`;
    const parts = aroundHit(text, 'map');
    expect(parts.find((part) => part.hit)?.text).toBe('Map');
    expect(parts[0]?.text.startsWith('…')).toBe(true);
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.string({ maxLength: 3 }), (whole, query) => {
        const joined = aroundHit(whole, query, Infinity).map((part) => part.text);
        return joined.join('') === whole;
      }),
    );
  });
});

describe('the place of a menu', () => {
  it('is within the view whatever it belongs to', () => {
    const side = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(side, side, (left, top) => {
        const near = { left, right: left + 20, top, bottom: top + 20, width: 20, height: 20 };
        const { x, y } = placed(near as DOMRect, { width: 200, height: 300 }, { width: 1000, height: 1000 });
        return x >= 8 && y >= 8 && x + 200 <= 992 && y + 300 <= 992;
      }),
    );
  });
});

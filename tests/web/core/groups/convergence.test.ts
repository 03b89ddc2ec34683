import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { equal, hex } from '#shared/bytes/bytes.ts';
import { codeOf } from '#shared/errors.ts';
import type * as credentials from '#web/core/conversation/credential.ts';
import { openNow, sealForAll } from '#web/core/conversation/group-messages.ts';
import { placeOf } from '#web/core/conversation/membership.ts';
import type { Group as Mls } from '#web/core/conversation/mls.ts';
import { rises } from '#web/core/conversation/states.ts';
import { replaceSuite } from '#web/core/conversation/suite.ts';
import type { Group } from '#web/core/groups/group.ts';
import { placeKey } from '#web/core/groups/records.ts';
import { DAY, GroupNet, START, settled, type Person } from '#tests/support/group-net.ts';
import { runs } from '#tests/support/runs.ts';
import { cheapSuite } from '#tests/support/cheap-suite.ts';

// Of a few people there are few credentials, and checking one takes longer than everything else.
vi.mock('#web/core/conversation/credential.ts', async (original) => {
  const real = await original<typeof credentials>();
  const known = new Map<string, ReturnType<typeof real.verifyCredential>>();
  const verifyCredential: typeof real.verifyCredential = (credential, key) => {
    const name = hex(credential) + hex(key);
    const found = known.get(name) ?? real.verifyCredential(credential, key);
    known.set(name, found);
    return found;
  };
  return { ...real, verifyCredential };
});

const PEOPLE = 5;

const actions = [
  ...(['deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'advance', 'advance', 'send', 'send'] as const),
  ...(['add', 'remove', 'rename', 'leave', 'crash', 'week'] as const),
];
type Action = { kind: (typeof actions)[number]; who: number; what: number };

const anyAction: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(...actions),
  who: fc.nat(PEOPLE - 1),
  what: fc.nat(1000),
});

/** A group that people do everything to at once, while what they tell each other comes in any order but that of each stream. */
class Story {
  readonly net: GroupNet;
  readonly id: string;
  /** The last keys that each person had. */
  readonly keys = new Map<Person, Mls>();
  #said = 0;

  private constructor(net: GroupNet, id: string) {
    this.net = net;
    this.id = id;
  }

  static async begin(): Promise<Story> {
    const net = await GroupNet.of(PEOPLE);
    const [first, second, third] = net.people;
    if (!first || !second || !third) throw new Error('nobody');
    const { id } = await first.groups.create('Trip', [first.adding(second), first.adding(third)]);
    await settled();
    return new Story(net, id);
  }

  group(person: Person): Group | undefined {
    return person.groups.get(this.id);
  }

  async act({ kind, who, what }: Action): Promise<void> {
    const person = this.net.people[who];
    if (!person) return;
    if (kind === 'deliver') return this.#deliver(what);
    if (kind === 'crash') {
      person.fault = what % 2 === 0 ? 'lost' : 'kept';
      return;
    }
    if (kind === 'week') {
      // Not so often that what is under way is too old to be read.
      if (this.net.now < START + 20 * DAY) this.net.now += 8 * DAY;
      return;
    }
    await this.net.guard(person, async () => {
      try {
        await this.#do(kind, person, what);
      } catch (error) {
        // What was under way has just taken them out of the group.
        if (codeOf(error) !== 'refused') throw error;
      }
    });
    for (const each of this.net.people) {
      const mls = this.group(each)?.state.record.mls;
      if (mls) this.keys.set(each, mls);
    }
  }

  async #deliver(what: number): Promise<void> {
    for (let left = 1 + (what % 4); left > 0; left--) {
      const { waiting } = this.net;
      const stream = waiting[what % Math.max(1, waiting.length)];
      if (stream) await this.net.deliver(stream);
    }
  }

  async #do(kind: Action['kind'], person: Person, what: number): Promise<void> {
    const group = this.group(person);
    if (group?.summary.state !== 'active') return;
    const other = this.net.people[what % PEOPLE] ?? person;
    const isMember = group.members.some((each) => equal(each, other.identity.address));
    if (kind === 'advance') await person.groups.advance(this.id);
    if (kind === 'send') {
      this.#said += 1;
      await group.send(`${person.name} ${String(this.#said)}`);
    }
    if (kind === 'rename') await group.want([{ type: 'rename', name: `Trip ${String(what)}` }]);
    if (kind === 'leave' && what % 3 === 0) await group.leave();
    if (kind === 'add' && !isMember) await group.want([person.adding(other)]);
    if (kind === 'remove' && isMember && other !== person) {
      await group.want([{ type: 'remove', address: other.identity.address }]);
    }
  }

  get active(): { person: Person; group: Group }[] {
    return this.net.people.flatMap((person) => {
      const group = this.group(person);
      return group?.summary.state === 'active' ? [{ person, group }] : [];
    });
  }
}

const textsOf = (group: Group): string[] =>
  group.messages().flatMap(({ text }) => (text === '' ? [] : [text]));

const checkAgreement = ({ active }: Story): void => {
  const ids = active.map(({ person }) => person.id).sort();
  for (const { group } of active) {
    expect(group.members.map(hex).sort()).toEqual(ids);
    expect(group.state.record).toMatchObject({ wants: [], held: [], unsettled: [] });
  }
  const views = active.map(({ group }) => {
    const { mls, name } = group.state.record;
    return `${name} ${mls ? placeKey(placeOf(mls)) : ''}`;
  });
  expect(new Set(views).size).toBeLessThanOrEqual(1);
};

const checkMessages = ({ active }: Story): void => {
  for (const { person, group } of active) {
    const texts = textsOf(group);
    expect(new Set(texts).size).toBe(texts.length);
    for (const { mine, event, state, deliveredTo, text, deleted } of group.messages()) {
      if (!mine || event || deleted) continue;
      expect(`${person.name} ${text} ${state}`).toMatch(/ (delivered|read)$/);
      for (const other of active) {
        const has = textsOf(other.group).includes(text);
        if (deliveredTo.includes(other.person.id)) expect(has).toBe(true);
      }
    }
  }
};

/** Of those who were in it all the time: what one of them said, all have. */
const checkEverybodyHasAll = ({ active, net }: Story): void => {
  const ever = active.filter(({ group, person }) => {
    const first = net.people.indexOf(person) < 3;
    const lines = group.messages().flatMap(({ event }) => (event ? [event] : []));
    const came = lines.filter(({ type, member }) => type === 'added' && member === person.id).length;
    return first && came === (person === net.people[0] ? 0 : 1);
  });
  const by = new Set(ever.map(({ person }) => person.name));
  const sets = ever.map(({ group }) =>
    textsOf(group)
      .filter((text) => by.has(text.split(' ')[0] ?? ''))
      .sort(),
  );
  for (const set of sets) expect(set).toEqual(sets[0]);
};

const checkOutsiders = async ({ active, keys }: Story): Promise<void> => {
  const [speaker] = active;
  const mls = speaker?.group.state.record.mls;
  if (!speaker || !mls) return;
  const { message } = await sealForAll(mls, new Uint8Array(32));
  for (const [person, held] of keys) {
    const opening = openNow(held, message, speaker.person.identity.address);
    const isIn = active.some((each) => each.person === person);
    if (!isIn) await expect(opening).rejects.toThrow();
    else if (person !== speaker.person)
      await expect(openNow(mls, message, speaker.person.identity.address)).resolves.toBeDefined();
    await opening.catch(() => undefined);
  }
};

const checkStates = ({ net }: Story): void => {
  for (const person of net.people) {
    const last = new Map<string, string>();
    for (const event of person.events) {
      if (event.type !== 'message' || !event.message.mine || event.message.event) continue;
      const { id, state } = event.message;
      const before = last.get(id) as typeof state | undefined;
      if (before !== undefined && before !== state) expect(rises(before, state)).toBe(true);
      last.set(id, state);
    }
  }
};

/** There are many of them, and machines are slow when they have much else to do. */
const LIMIT_MS = process.env['HG_LONG'] === '1' ? 3_600_000 : 240_000;

describe('a group', () => {
  beforeAll(() => {
    replaceSuite(cheapSuite);
  });

  it(
    'comes to one epoch, one member list, one name and the same messages, whatever happens in between',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyAction, { minLength: 20, maxLength: 60 }), async (all) => {
          const story = await Story.begin();
          for (const action of all) await story.act(action);
          for (const person of story.net.people) person.fault = undefined;
          await story.net.heal();
          checkAgreement(story);
          checkMessages(story);
          checkEverybodyHasAll(story);
          await checkOutsiders(story);
          checkStates(story);
        }),
        { ...runs(300), endOnFailure: true },
      );
    },
    LIMIT_MS,
  );
});

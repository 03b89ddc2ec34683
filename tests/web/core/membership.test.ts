import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  commitChanges,
  propose,
  proposalsOf,
  takeCommit,
  takeProposal,
  type Change,
} from '#web/core/conversation/changes.ts';
import {
  decodePast,
  encodePast,
  openNow,
  openPast,
  pastOf,
  sealForAll,
} from '#web/core/conversation/group-messages.ts';
import {
  makeIdentity,
  makeKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import {
  createAlone,
  decodeMembers,
  isOut,
  joinMembers,
  leafOf,
  membersOf,
  nameOf,
  placeOf,
} from '#web/core/conversation/membership.ts';
import { encodeGroup, type Group } from '#web/core/conversation/mls.ts';

const NOW = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const rng = seededRng(new Uint8Array(32).fill(9));
const identityOf = (seed: number, expiry = NOW + YEAR): Identity =>
  makeIdentity(rng, signKeypair(new Uint8Array(32).fill(seed)), expiry);

type Person = { identity: Identity; own: OwnKeyPackage; group: Group };

const person = async (seed: number, expiry?: number): Promise<Omit<Person, 'group'>> => {
  const identity = identityOf(seed, expiry);
  return { identity, own: await makeKeyPackage(identity) };
};

const adding = ({ own }: Pick<Person, 'own'>): Change => ({ type: 'add', keyPackage: own.public });

/** The first commits; the others follow, and whoever is new joins. */
const commit = async (
  first: Person,
  others: Person[],
  fresh: Omit<Person, 'group'>[],
  changes: Change[],
  refs: string[] = [],
): Promise<Person[]> => {
  const made = await commitChanges(first.group, refs, changes, NOW);
  const { address } = first.identity;
  const followed = await Promise.all(
    others.map(async (each) => ({
      ...each,
      group: (await takeCommit(each.group, made.commit, address, NOW)).group,
    })),
  );
  const joined = await Promise.all(
    fresh.map(async (each) => {
      const own = made.welcomes.find((welcome) => hex(welcome.address) === hex(each.identity.address));
      return { ...each, group: await joinMembers([each.own], own?.welcome ?? new Uint8Array(0)) };
    }),
  );
  return [{ ...first, group: made.group }, ...followed, ...joined];
};

const three = async (): Promise<[Person, Person, Person]> => {
  const [a, b, c] = [await person(1), await person(2), await person(3)];
  const group = await createAlone(rng(16), a.identity, 'Trip');
  return (await commit({ ...a, group }, [], [b, c], [adding(b), adding(c)])) as [Person, Person, Person];
};

/** Everybody reads what each says. */
const allTalk = async (people: Person[]): Promise<void> => {
  for (const from of people) {
    const payload = rng(40);
    const { message } = await sealForAll(from.group, payload);
    for (const to of people.filter((each) => each !== from)) {
      expect((await openNow(to.group, message, from.identity.address)).payload).toEqual(payload);
    }
  }
};

describe('a group of several', () => {
  it('is one for all: members, name and messages', async () => {
    const people = await three();
    for (const { group } of people) {
      expect(membersOf(group).map(({ leaf }) => leaf)).toEqual([0, 1, 2]);
      expect(nameOf(group)).toBe('Trip');
      expect(placeOf(group)).toEqual(placeOf(people[0].group));
    }
    await allTalk(people);
  });

  it('takes a proposal of each kind by a commit, and fresh keys with it', async () => {
    const [a, b, c] = await three();
    const update = await propose(b.group, { type: 'update' });
    const taken = await takeProposal(a.group, update.message);
    expect(taken.leaf).toBe(1);
    const at = await takeProposal(c.group, update.message);
    const people = await commit(
      { ...a, group: taken.group },
      [
        { ...b, group: update.group },
        { ...c, group: at.group },
      ],
      [],
      [],
      [update.ref],
    );
    await allTalk(people);
    const [first, ...others] = people as [Person, Person, Person];
    const renamed = await commit(first, others, [], [{ type: 'rename', name: 'Tour' }]);
    expect(renamed.map(({ group }) => nameOf(group))).toEqual(['Tour', 'Tour', 'Tour']);
    await allTalk(renamed);
  });

  it('is closed to who was removed, and tells them', async () => {
    const [a, b, c] = await three();
    const [after, left, out] = await commit(
      a,
      [b, c],
      [],
      [{ type: 'remove', leaf: leafOf(a.group, c.identity.address) }],
    );
    if (!after || !left || !out) throw new Error('nobody');
    expect(isOut(out.group)).toBe(true);
    await allTalk([after, left]);
    const { message } = await sealForAll(after.group, rng(20));
    await expect(openNow(c.group, message, a.identity.address)).rejects.toMatchObject({ code: 'unexpected' });
    await expect(openNow(out.group, message, a.identity.address)).rejects.toMatchObject({
      name: 'RemoteError',
    });
  });

  it('survives being stored, with what was proposed and by whom', async () => {
    const [a, b, c] = await three();
    const { message, group } = await propose(a.group, { type: 'remove', leaf: 0 });
    const taken = await takeProposal(b.group, message);
    const stored = decodeMembers(encodeGroup(taken.group));
    expect(proposalsOf(stored)).toEqual(proposalsOf(taken.group));
    expect(proposalsOf(stored)).toMatchObject([{ leaf: 0, change: { type: 'remove', leaf: 0 } }]);
    const heard = await takeProposal(c.group, message);
    const people = await commit(
      { ...b, group: stored },
      [
        { ...a, group: decodeMembers(encodeGroup(group)) },
        { ...c, group: decodeMembers(encodeGroup(heard.group)) },
      ],
      [],
      [],
      proposalsOf(stored).map(({ ref }) => ref),
    );
    expect(people.map((each) => isOut(each.group))).toEqual([false, true, false]);
  });

  it('opens messages of an epoch that is over, by what is kept of it', async () => {
    const [a, b, c] = await three();
    const early = await sealForAll(c.group, rng(30));
    const [after] = await commit(a, [b], [], []);
    const past = decodePast(encodePast(pastOf(a.group)));
    const opened = await openPast(after?.group ?? a.group, past, early.message, c.identity.address);
    expect(opened.payload).toHaveLength(30);
    // Once: its key is used.
    await expect(openPast(a.group, opened.past, early.message, c.identity.address)).rejects.toThrow();
  });

  it('speaks on while a proposal waits', async () => {
    const [a, b, c] = await three();
    const { group } = await propose(b.group, { type: 'rename', name: 'Tour' });
    const { message, group: next } = await sealForAll(group, rng(10));
    expect(proposalsOf(next)).toHaveLength(1);
    await openNow(a.group, message, b.identity.address);
    await openNow(c.group, message, b.identity.address);
  });
});

describe('a group refuses', () => {
  it('messages and commits under the name of another member', async () => {
    const [a, b, c] = await three();
    const { message } = await sealForAll(b.group, rng(10));
    await expect(openNow(a.group, message, c.identity.address)).rejects.toMatchObject({ code: 'refused' });
    const made = await commitChanges(b.group, [], [], NOW);
    await expect(takeCommit(a.group, made.commit, c.identity.address, NOW)).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(openPast(a.group, pastOf(a.group), message, c.identity.address)).rejects.toMatchObject({
      code: 'refused',
    });
  });

  it('whoever is past their time, a member a second time, and a 17th', async () => {
    const [a, b] = await three();
    const late = await person(7, NOW);
    await expect(commitChanges(a.group, [], [adding(late)], NOW)).rejects.toMatchObject({ code: 'expired' });
    const again = { own: await makeKeyPackage(b.identity) };
    await expect(commitChanges(a.group, [], [adding(again)], NOW)).rejects.toMatchObject({
      name: 'RemoteError',
    });
    const twin = await makeKeyPackage(identityOf(2));
    await expect(commitChanges(a.group, [], [adding({ own: twin })], NOW)).rejects.toMatchObject({
      code: 'refused',
    });
    const many = await Promise.all(Array.from({ length: 14 }, (_, at) => person(20 + at)));
    await expect(commitChanges(a.group, [], many.map(adding), NOW)).rejects.toMatchObject({
      code: 'refused',
    });
    const full = await commitChanges(a.group, [], many.slice(1).map(adding), NOW);
    expect(membersOf(full.group)).toHaveLength(16);
    expect(full.welcomes.every(({ welcome }) => welcome.length < 50_000)).toBe(true);
    expect(full.commit.length).toBeLessThan(60_000);
  });

  it('every altered byte, and is as it was', async () => {
    const [a, b] = await three();
    const { message } = await sealForAll(b.group, rng(10));
    const made = await commitChanges(b.group, [], [], NOW);
    for (const [bytes, step] of [
      [message, 11],
      [made.commit, 397],
    ] as const) {
      for (let at = 0; at < bytes.length; at += step) {
        const altered = bytes.slice();
        altered[at] = (altered[at] ?? 0) ^ 1;
        const taking =
          bytes === message
            ? openNow(a.group, altered, b.identity.address)
            : takeCommit(a.group, altered, b.identity.address, NOW);
        await expect(taking).rejects.toMatchObject({ name: 'RemoteError' });
      }
    }
    await openNow(a.group, message, b.identity.address);
    await takeCommit(a.group, made.commit, b.identity.address, NOW);
  });
});

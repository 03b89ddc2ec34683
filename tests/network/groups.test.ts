import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientApi, ConversationView, FileView, MessageView } from '#web/api.ts';
import { meet } from '#tests/support/chat.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { eventually, TestNetwork, type TestClient } from '#tests/support/test-network.ts';

const LIMIT_MS = 60_000;

/** Somebody with a client, and the conversations that they have with others. */
type Person = { name: string; client: ClientApi; made: TestClient; with: Map<string, string> };

const viewOf = async ({ client }: Person, group: string): Promise<ConversationView | undefined> =>
  (await client.state()).conversations.find(({ id }) => id === group);

const membersOf = async (person: Person, group: string): Promise<string[]> =>
  ((await viewOf(person, group))?.members ?? []).map(({ name }) => name).sort();

const textsOf = async ({ client }: Person, group: string): Promise<string[]> =>
  (await client.messages(group)).flatMap(({ text }) => (text === '' ? [] : [text]));

const eventsOf = async ({ client }: Person, group: string): Promise<string[]> =>
  (await client.messages(group)).flatMap(({ event }) =>
    event ? [`${event.type} ${'name' in event ? event.name : ''}`.trim()] : [],
  );

describe('a group of clients in Node, driven through ClientApi alone', () => {
  let network: TestNetwork;
  const people: Person[] = [];
  let group: string;
  let anna: Person, ben: Person, cleo: Person, dan: Person;

  const introduce = async (guest: Person, host: Person): Promise<void> => {
    const met = await meet(guest.client, host.client);
    guest.with.set(host.name, met.guest.conversation);
    host.with.set(guest.name, met.host.conversation);
  };

  const all = (names: string[], of: Person[]): Promise<void> =>
    eventually(
      `${names.join()} are the members`,
      async () => {
        const views = await Promise.all(of.map((each) => membersOf(each, group)));
        return views.every((view) => view.join() === [...names].sort().join());
      },
      LIMIT_MS,
    );

  const arrives = (text: string, at: Person[]): Promise<void> =>
    eventually(
      `“${text}” arrives`,
      async () =>
        (await Promise.all(at.map((each) => textsOf(each, group)))).every((texts) => texts.includes(text)),
      LIMIT_MS,
    );

  const message = async (person: Person, id: string): Promise<MessageView | undefined> =>
    (await person.client.messages(group)).find((each) => each.id === id);

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8 });
    for (const name of ['Anna', 'Ben', 'Cleo', 'Dan']) {
      const made = await network.addClient();
      await made.client.start({ name });
      people.push({ name, client: made.client, made, with: new Map() });
    }
    [anna, ben, cleo, dan] = people as [Person, Person, Person, Person];
    await introduce(ben, anna);
    await introduce(cleo, anna);
  }, 120_000);
  afterAll(() => network.stop());

  it('is made with two contacts who do not know each other', async () => {
    group = await anna.client.createGroup('Trip', [anna.with.get('Ben') ?? '', anna.with.get('Cleo') ?? '']);
    await all(['Anna', 'Ben', 'Cleo'], [anna, ben, cleo]);
    expect(await viewOf(ben, group)).toMatchObject({ kind: 'group', name: 'Trip', state: 'active' });
    // The conversation that they have on account of it is nobody's to see.
    expect((await ben.client.state()).conversations.map(({ name }) => name).sort()).toEqual(['Anna', 'Trip']);
  });

  it('carries what each says to all, and tells who has it', async () => {
    const sent = await ben.client.send(group, 'When do we go?');
    await arrives('When do we go?', [anna, cleo]);
    await eventually(
      'it is delivered',
      async () => (await message(ben, sent.id))?.state === 'delivered',
      LIMIT_MS,
    );
    const ids = (await viewOf(ben, group))?.members.filter(({ self }) => !self).map(({ id }) => id) ?? [];
    expect((await message(ben, sent.id))?.deliveredTo.sort()).toEqual(ids.sort());
    const { members = [] } = (await viewOf(cleo, group)) ?? {};
    const received = (await cleo.client.messages(group)).find(({ id }) => id === sent.id);
    expect(received?.author).toBe(members.find(({ name }) => name === 'Ben')?.id);
    await cleo.client.react(sent.id, '🧳');
    await eventually(
      'a reaction arrives',
      async () => (await message(ben, sent.id))?.reactions.length === 1,
      LIMIT_MS,
    );
    const answer = await cleo.client.send(group, 'On Friday.', { replyTo: sent.id });
    await arrives('On Friday.', [anna, ben]);
    await cleo.client.deleteMessage(answer.id, true);
    await eventually(
      'it is taken back',
      async () => (await message(anna, answer.id))?.deleted === true,
      LIMIT_MS,
    );
  });

  it('carries a small file to all', async () => {
    const content = new Uint8Array(40_000).map((_, at) => at % 251);
    const about = { name: 'map.bin', type: 'application/octet-stream', preview: null, voice: null };
    await anna.client.sendFile(group, new Blob([content]), about);
    const fileOf = async ({ client }: Person): Promise<FileView | undefined> =>
      (await client.files(group))[0];
    for (const person of [ben, cleo]) {
      await eventually('it is there', async () => (await fileOf(person))?.state === 'done', LIMIT_MS);
      const blob = await person.client.fileContent((await fileOf(person))?.id ?? '');
      expect(new Uint8Array(await blob.arrayBuffer())).toEqual(content);
    }
  });

  it('is renamed by somebody who does not commit', async () => {
    await cleo.client.renameGroup(group, 'Tour');
    const named = async (): Promise<boolean> =>
      (await Promise.all([anna, ben, cleo].map((each) => viewOf(each, group)))).every(
        (view) => view?.name === 'Tour',
      );
    await eventually('it has its new name', named, LIMIT_MS);
  });

  it('takes a fourth, whom only one of them knows', async () => {
    await introduce(dan, ben);
    await ben.client.addMembers(group, [ben.with.get('Dan') ?? '']);
    await all(['Anna', 'Ben', 'Cleo', 'Dan'], people);
    await dan.client.send(group, 'Hello all!');
    await arrives('Hello all!', [anna, ben, cleo]);
    expect(await textsOf(dan, group)).toEqual(['Hello all!']);
  });

  it('comes to the same for a member who was away', async () => {
    await cleo.client.stop();
    await anna.client.renameGroup(group, 'Journey');
    await ben.client.send(group, 'While Cleo is away');
    await arrives('While Cleo is away', [anna, dan]);
    const back = await network.addClient({ store: cleo.made.store });
    cleo = people[2] = { ...cleo, client: back.client, made: back };
    await arrives('While Cleo is away', [cleo]);
    await all(['Anna', 'Ben', 'Cleo', 'Dan'], people);
    await eventually(
      'it has its new name',
      async () => (await viewOf(cleo, group))?.name === 'Journey',
      LIMIT_MS,
    );
    expect(await eventsOf(cleo, group)).toEqual([
      'added Cleo',
      'renamed Tour',
      'added Dan',
      'renamed Journey',
    ]);
  });

  it('goes on without one who is removed, and who reads nothing of it any more', async () => {
    const dans = (await viewOf(anna, group))?.members.find(({ name }) => name === 'Dan')?.id ?? '';
    await anna.client.removeMember(group, dans);
    await all(['Anna', 'Ben', 'Cleo'], [anna, ben, cleo]);
    await eventually('Dan sees it', async () => (await viewOf(dan, group))?.state === 'left', LIMIT_MS);
    await ben.client.send(group, 'Not for Dan');
    await arrives('Not for Dan', [anna, cleo]);
    expect(await textsOf(dan, group)).not.toContain('Not for Dan');
    await expect(dan.client.send(group, 'May I?')).rejects.toMatchObject({ code: 'refused' });
  });

  it('is left by its maker', async () => {
    await anna.client.leaveGroup(group);
    await all(['Ben', 'Cleo'], [ben, cleo]);
    expect((await viewOf(anna, group))?.state).toBe('left');
    await cleo.client.send(group, 'Just us');
    await arrives('Just us', [ben]);
    expect(await eventsOf(ben, group)).toContain('left');
  });

  it('lets two who met there become contacts', async () => {
    const between = async (person: Person, name: string): Promise<ConversationView | undefined> =>
      (await person.client.state()).conversations.find(
        (each) => each.name === name && each.kind === 'contact',
      );
    expect(await between(ben, 'Cleo')).toBeUndefined();
    const { link } = await cleo.client.createInvite();
    const bens = await ben.client.acceptInvite(link);
    await eventually(
      'Cleo is asked',
      async () => (await between(cleo, 'Ben'))?.state === 'invited',
      LIMIT_MS,
    );
    await cleo.client.answerRequest((await between(cleo, 'Ben'))?.id ?? '', true);
    await eventually(
      'they are contacts',
      async () => (await between(ben, 'Cleo'))?.state === 'active',
      LIMIT_MS,
    );
    await ben.client.send(bens, 'Between us');
    await eventually(
      'it arrives',
      async () => (await between(cleo, 'Ben'))?.last?.text === 'Between us',
      LIMIT_MS,
    );
  });

  it('lets a member in again who begins anew from a backup', async () => {
    const phrase = await cleo.client.recoveryPhrase();
    await cleo.client.keepPhrase();
    const backup = await cleo.client.backup();
    await cleo.client.stop();
    const store = memoryStore();
    const empty = await network.addClient({ store });
    await empty.client.restoreBackup(backup, phrase);
    const { client } = await network.addClient({ store });
    cleo = people[2] = { ...cleo, client };
    await eventually('Cleo is back', async () => (await viewOf(cleo, group))?.state === 'active', LIMIT_MS);
    await all(['Ben', 'Cleo'], [ben, cleo]);
    await cleo.client.send(group, 'From another browser');
    await arrives('From another browser', [ben]);
    await ben.client.send(group, 'To another browser');
    await arrives('To another browser', [cleo]);
    expect(await textsOf(cleo, group)).toContain('Just us');
  });
});

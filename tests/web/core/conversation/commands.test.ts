import { beforeEach, describe, expect, it } from 'vitest';
import { LocalError } from '#shared/errors.ts';
import { messageCommands } from '#web/core/conversation/commands.ts';
import { replaceSuite } from '#web/core/conversation/suite.ts';
import type { Talk } from '#web/core/conversation/talk.ts';
import { Unsent } from '#web/core/conversation/unsent.ts';
import type { Core } from '#web/core/core.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { cheapSuite } from '#tests/support/cheap-suite.ts';
import { Net, User } from '#tests/support/conversation-net.ts';

replaceSuite(cheapSuite);

let net: Net;
let talk: Talk;
let store: Store;
let unsent: Unsent;
let settings: { readReceipts: boolean };
let commands: ReturnType<typeof messageCommands>;

/** As much of a core as the commands about messages ask for. */
const coreOf = (talks: () => Talk[]): Core => {
  const messenger = {
    unsent,
    talks,
    talk: (id: string): Talk => {
      const found = talks().find((each) => each.id === id);
      if (!found) throw new LocalError('unknown-conversation');
      return found;
    },
    reach: () => undefined,
  };
  const core = {
    ...{ messenger, started: () => messenger },
    watch: { explain: <T>(message: T): T => message, conversationChanged: () => undefined },
    profile: { set: async (changes: object) => Promise.resolve(Object.assign(settings, changes)) },
    tellSettings: () => undefined,
  };
  return core as unknown as Core;
};

beforeEach(async () => {
  const users: [User, User] = [new User('Alice', 1), new User('Bob', 2)];
  net = new Net(...users);
  for (const user of users) await user.boot();
  talk = await users[0].accept(users[1]);
  await net.open(users[0]);
  await net.settle();
  store = memoryStore();
  unsent = new Unsent({ store });
  settings = { readReceipts: false };
  commands = messageCommands(coreOf(() => [talk]));
});

describe('a command about a message', () => {
  it('finds the conversation by the message alone', async () => {
    const { id } = await commands.send(talk.id, 'hello');
    await commands.react(id, '👍');
    expect(await commands.messages(talk.id)).toMatchObject([{ id, reactions: [{ by: null, emoji: '👍' }] }]);
    await commands.deleteMessage(id, false);
    expect(await commands.messages(talk.id)).toEqual([]);
    for (const run of [commands.retry(id), commands.react(id, null), commands.deleteMessage(id, false)])
      await expect(run).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses what is no message and no conversation', async () => {
    const replyTo = 'no id';
    await expect(commands.send(talk.id, 'x', { replyTo })).rejects.toMatchObject({ code: 'not-found' });
    const elsewhere = [commands.send('00', 'x'), commands.setTimer('00', 1), commands.saveDraft('00', 'x')];
    for (const run of elsewhere) await expect(run).rejects.toMatchObject({ code: 'unknown-conversation' });
  });
});

describe('a draft', () => {
  it('is kept until it is sent or emptied', async () => {
    await commands.saveDraft(talk.id, 'I wanted to');
    const next = new Unsent({ store });
    await next.load();
    expect(next.of(talk.id)).toBe('I wanted to');
    await commands.saveDraft(talk.id, '');
    expect(await store.all('drafts')).toEqual([]);
    await commands.saveDraft(talk.id, 'I wanted to say');
    await commands.send(talk.id, 'I wanted to say');
    expect(unsent.of(talk.id)).toBe('');
    await expect(commands.saveDraft(talk.id, 'x'.repeat(16_385))).rejects.toMatchObject({ code: 'too-long' });
  });
});

describe('search', () => {
  it('gives the newest first, a hundred at most', async () => {
    for (let n = 0; n < 120; n++) await commands.send(talk.id, `Nr. ${n}`);
    const found = await commands.search('  nR. ');
    expect(found.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, n) => `Nr. ${119 - n}`));
    expect(await commands.search('   ')).toEqual([]);
    expect(await commands.search('nothing')).toEqual([]);
    await expect(commands.search('x'.repeat(257))).rejects.toMatchObject({ code: 'too-long' });
  });
});

it('receipts are a setting', async () => {
  await commands.setReadReceipts(true);
  expect(settings.readReceipts).toBe(true);
});

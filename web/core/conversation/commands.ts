import { unhex } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { ClientApi } from '#web/api.ts';
import { foldText } from '#web/core/conversation/actions.ts';
import { checkLength, MESSAGE_ID_LENGTH } from '#web/core/conversation/content.ts';
import type { Talk } from '#web/core/conversation/talk.ts';
import type { Core } from '#web/core/core.ts';

/** The commands about messages. */
type MessageCommands = Pick<
  ClientApi,
  | 'messages'
  | 'send'
  | 'retry'
  | 'react'
  | 'deleteMessage'
  | 'setTimer'
  | 'saveDraft'
  | 'search'
  | 'markRead'
  | 'setReadReceipts'
  | 'newCircuit'
>;

/** In bytes of UTF-8. */
const MAX_QUERY = 256;
const MOST_FOUND = 100;

export const messageCommands = (core: Core): MessageCommands => ({
  async messages(conversation, part) {
    const messages = core.started().talk(conversation).messages(part);
    return Promise.resolve(messages.map((message) => core.watch.explain(message)));
  },

  async send(conversation, text, { replyTo } = {}) {
    const messenger = core.started();
    const { unsent } = messenger;
    const answering = replyTo === undefined ? {} : { replyTo: asMessageId(replyTo) };
    const talk = messenger.talk(conversation);
    const message = await talk.send(text, answering, unsent.taken(conversation));
    unsent.sent(conversation);
    messenger.reach(conversation)?.poke();
    return core.watch.explain(message);
  },

  async retry(message) {
    const talk = talkOf(core, message);
    await talk.retry(message);
    core.messenger?.reach(talk.id)?.poke();
  },

  async react(message, emoji) {
    await talkOf(core, message).react(message, emoji);
  },

  async deleteMessage(message, everywhere) {
    await talkOf(core, message).remove(message, everywhere);
  },

  async setTimer(conversation, ms) {
    await core.started().talk(conversation).setTimer(ms);
  },

  async saveDraft(conversation, text) {
    const messenger = core.started();
    await messenger.unsent.save(messenger.talk(conversation).id, text);
    core.watch.conversationChanged();
  },

  async search(query) {
    checkLength(query, MAX_QUERY);
    const needle = foldText(query.trim());
    const talks = needle === '' ? [] : core.started().talks();
    const found = talks.flatMap((talk) => talk.search(needle));
    const newest = found.sort((a, b) => b.sentAt - a.sentAt).slice(0, MOST_FOUND);
    return Promise.resolve(newest.map((message) => core.watch.explain(message)));
  },

  async markRead(conversation) {
    await core.started().talk(conversation).markRead();
  },

  async setReadReceipts(on) {
    await core.profile.set({ readReceipts: on });
    core.tellSettings();
  },

  async newCircuit(conversation) {
    const messenger = core.started();
    messenger.session(conversation);
    await messenger.reach(conversation)?.renew();
  },
});

/** The conversation that a message stands in. Throws LocalError `not-found`. */
const talkOf = (core: Core, message: string): Talk => {
  const talk = core
    .started()
    .talks()
    .find((each) => each.holds(message));
  if (!talk) throw new LocalError('not-found', 'no such message');
  return talk;
};

/** Throws LocalError `not-found`. */
const asMessageId = (id: string): Uint8Array => {
  try {
    const bytes = unhex(id);
    if (bytes.length === MESSAGE_ID_LENGTH) return bytes;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
  }
  throw new LocalError('not-found', 'no such message');
};

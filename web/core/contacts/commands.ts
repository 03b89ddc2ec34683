import { LocalError } from '#shared/errors.ts';
import type { ClientApi, InvitePreview } from '#web/api.ts';
import { previewOf, readInvite } from '#web/core/contacts/invites.ts';
import type { Standing } from '#web/core/contacts/standing.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Core } from '#web/core/core.ts';

/** The commands about who one talks to, and what they see of one. */
type ContactCommands = Pick<
  ClientApi,
  | 'createInvite'
  | 'invites'
  | 'revokeInvite'
  | 'previewInvite'
  | 'acceptInvite'
  | 'addByHandle'
  | 'answerRequest'
  | 'block'
  | 'safetyNumber'
  | 'compareCode'
  | 'setVerified'
  | 'acknowledgeKey'
  | 'setPicture'
  | 'setHandle'
>;

export const contactCommands = (core: Core): ContactCommands => ({
  async createInvite(options = {}) {
    return core.started().introductions.invite(options);
  },

  async invites() {
    return Promise.resolve(core.started().invites.list(core.host.ports.now()));
  },

  revokeInvite: async (id) => core.started().invites.revoke(id),

  previewInvite: async (link) => Promise.resolve(preview(core, link)),

  async acceptInvite(link) {
    const messenger = core.started();
    preview(core, link);
    return (await messenger.introductions.accept(link)).id;
  },

  addByHandle: async (name) => (await core.started().introductions.ask(plain(name))).id,

  async answerRequest(conversation, accept) {
    const { session, standing } = of(core, conversation);
    await standing.answer(session, accept);
  },

  async block(conversation, on) {
    const { session, standing } = of(core, conversation);
    await standing.block(session, on);
  },

  async safetyNumber(conversation) {
    const { session, standing } = of(core, conversation);
    return Promise.resolve(standing.safetyNumber(session));
  },

  async compareCode(conversation, code) {
    const { session, standing } = of(core, conversation);
    return standing.compare(session, code);
  },

  async setVerified(conversation, on) {
    const { session, standing } = of(core, conversation);
    await standing.setVerified(session, on);
  },

  async acknowledgeKey(conversation) {
    const { session, standing } = of(core, conversation);
    await standing.acknowledge(session);
  },

  async setPicture(picture) {
    await core.started().profiles.setPicture(picture);
    core.tellProfile();
  },

  async setHandle(name) {
    await core.started().handle.set(name === null ? null : plain(name));
    core.tellProfile();
  },
});

/** As people write a handle. */
const plain = (name: string): string => name.trim().replace(/^@/, '').toLowerCase();

/** Throws LocalError `not-started` or `unknown-conversation`. */
const of = (core: Core, conversation: string): { session: Session; standing: Standing } => {
  const messenger = core.started();
  return { session: messenger.session(conversation), standing: messenger.standing };
};

const preview = (core: Core, link: string): InvitePreview => {
  const invite = readInvite(link, core.host.ports.now());
  if (core.profile.isSelf(invite.address)) throw new LocalError('bad-invite', 'this invite is your own');
  return previewOf(invite);
};

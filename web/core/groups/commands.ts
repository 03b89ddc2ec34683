import { equal, hex, unhex } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { ClientApi } from '#web/api.ts';
import { checkLength, MAX_NAME } from '#web/core/conversation/content.ts';
import type { Core } from '#web/core/core.ts';

type GroupCommands = Pick<
  ClientApi,
  'createGroup' | 'addMembers' | 'removeMember' | 'leaveGroup' | 'renameGroup'
>;

export const groupCommands = (core: Core): GroupCommands => ({
  async createGroup(name, contacts) {
    checkName(name);
    const { groups } = core.started();
    if (contacts.length === 0) throw new LocalError('malformed', 'a group begins with somebody else in it');
    return (await groups.create(name, await groups.adding(contacts))).id;
  },

  async addMembers(group, contacts) {
    const { groups } = core.started();
    const found = groups.group(group);
    const fresh = contacts.filter((id) => !found.members.some((each) => hex(each) === id));
    await found.want(await groups.adding(fresh));
  },

  async removeMember(group, member) {
    const found = core.started().groups.group(group);
    const address = addressOf(member);
    if (core.profile.isSelf(address)) return found.leave();
    if (!found.members.some((each) => equal(each, address)))
      throw new LocalError('not-found', 'no such member');
    await found.want([{ type: 'remove', address }]);
  },

  async leaveGroup(group) {
    await core.started().groups.group(group).leave();
  },

  async renameGroup(group, name) {
    checkName(name);
    await core
      .started()
      .groups.group(group)
      .want([{ type: 'rename', name }]);
  },
});

/** Throws LocalError `too-long`, `malformed`. */
const checkName = (name: string): void => {
  checkLength(name, MAX_NAME);
  if (name.trim() === '') throw new LocalError('malformed', 'a group has a name');
};

/** Throws LocalError `not-found`. */
const addressOf = (member: string): Uint8Array => {
  try {
    return unhex(member);
  } catch (error) {
    if (error instanceof RemoteError) throw new LocalError('not-found', 'no such member');
    throw error;
  }
};

import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Change } from '#web/core/conversation/changes.ts';
import { readKeyPackage } from '#web/core/conversation/identity.ts';
import { membersOf, ownLeaf } from '#web/core/conversation/membership.ts';
import type { Group as Mls } from '#web/core/conversation/mls.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import type { Want } from '#web/core/groups/records.ts';

/** What one wants of a group stays until it is so: a commit that left it out makes it a proposal of the next epoch. */

type Step = { before: Mls; group: Mls; committed: readonly string[]; me: Uint8Array };

/** Of wants that one takes the place of another the last. */
export const distinct = (wants: readonly Want[]): Want[] => {
  const named = wants.map((want): [string, Want] => {
    const { what } = want;
    return ['address' in what ? `${what.type} ${hex(what.address)}` : what.type, want];
  });
  return [...new Map(named).values()];
};

/** After a step: what is still wanted, and what the step has brought. */
export const pruned = (wants: readonly Want[], step: Step): { open: Want[]; done: Want[] } => {
  const done = wants.filter((want) => isSo(want, step));
  const open = wants.filter((want) => !done.includes(want)).map(({ what }) => ({ what, ref: undefined }));
  return { open, done };
};

const isSo = ({ what, ref }: Want, { before, group, committed, me }: Step): boolean => {
  const isMember = (address: Uint8Array): boolean =>
    membersOf(group).some((each) => equal(each.address, address));
  switch (what.type) {
    case 'add':
      return isMember(what.address) || membersOf(group).length >= MAX_MEMBERS;
    case 'remove':
      return !isMember(what.address);
    case 'readd':
      return leafKey(group, what.address) === hex(keyIn(what.keyPackage));
    case 'leave':
      return !isMember(me);
    case 'update':
      return !isMember(me) || !equal(ownKey(before), ownKey(group));
    case 'rename':
      return ref !== undefined && committed.includes(ref);
  }
};

/** In hex; undefined for whoever is no member. */
const leafKey = (group: Mls, address: Uint8Array): string | undefined => {
  const member = membersOf(group).find((each) => equal(each.address, address));
  const node = member && group.state.ratchetTree[2 * member.leaf];
  return node?.nodeType === 'leaf' ? hex(node.leaf.hpkePublicKey) : undefined;
};

const keyIn = (keyPackage: Uint8Array): Uint8Array => readKeyPackage(keyPackage).leafNode.hpkePublicKey;

const ownKey = (group: Mls): Uint8Array => {
  const node = group.state.ratchetTree[2 * ownLeaf(group)];
  return node?.nodeType === 'leaf' ? node.leaf.hpkePublicKey : new Uint8Array(0);
};

/** What of it MLS would do; undefined where there is nothing to be done. */
export const changeFor = (group: Mls, { what }: Want, me: Uint8Array): Change | undefined => {
  const leaf = (address: Uint8Array): number | undefined =>
    membersOf(group).find((each) => equal(each.address, address))?.leaf;
  switch (what.type) {
    case 'readd': {
      const removed = leaf(what.address);
      if (removed === undefined) return { type: 'add', keyPackage: what.keyPackage };
      const isDone = leafKey(group, what.address) === hex(keyIn(what.keyPackage));
      return isDone ? undefined : { type: 'remove', leaf: removed };
    }
    case 'add':
      return leaf(what.address) === undefined ? { type: 'add', keyPackage: what.keyPackage } : undefined;
    case 'remove':
    case 'leave': {
      const removed = leaf(what.type === 'leave' ? me : what.address);
      return removed === undefined ? undefined : { type: 'remove', leaf: removed };
    }
    case 'rename':
      return { type: 'rename', name: what.name };
    case 'update':
      return { type: 'update' };
  }
};

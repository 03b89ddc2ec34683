/** The commands about contacts, groups and keeping of the fake client: they change its state and nothing else. */
import type {
  ClientApi,
  ClientState,
  ConversationView,
  InviteView,
  KeepingView,
  MemberView,
} from '#web/api.ts';

type Holder = { readonly state: ClientState; patch(part: Partial<ClientState>): void };

const hour = 3_600_000;
const day = 24 * hour;

const refused = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** Some time for whatever the screens show meanwhile. */
const soon = (ms = 350): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Hex digits that look spread out, the same for the same number. */
export const hex = (n: number, length = 64): string =>
  Array.from({ length }, (_, i) => ((Math.imul(n + 1, 0x9e3779b1) >>> (i % 29)) & 15).toString(16)).join('');

const bareGroup = {
  ...({ verified: 'no', blocked: false, address: '', picture: null, timerMs: null } as const),
  former: [] as MemberView[],
};

/** A group of the person here and of some contacts. */
export function group(
  name: string,
  n: number,
  members: MemberView[],
  rest: Partial<ConversationView> = {},
): ConversationView {
  return {
    ...bareGroup,
    ...{ id: hex(n, 32), kind: 'group', name, state: 'active', members: [self, ...members] },
    ...{ draft: '', reachable: true, waiting: null, unread: 0, leaving: 0, last: null, sent: 0, resent: 0 },
    ...rest,
  };
}

const self: MemberView = { id: hex(1), name: 'Alder', self: true };

/** Requests, a changed key, a blocked contact, groups: what the scene `people` begins with. */
export function peopleState(state: ClientState): ClientState {
  const [mira, kestrel, ondine, juniper] = state.conversations as [
    ConversationView,
    ConversationView,
    ConversationView,
    ConversationView,
  ];
  const member = (one: ConversationView): MemberView => ({ id: one.id, name: one.name, self: false });
  const stranger: MemberView = { id: hex(40), name: 'Tamsin', self: false };
  const bare = { ...kestrel, unread: 0, reachable: false, waiting: null } as const;
  const conversations: ConversationView[] = [
    { ...bare, id: 'Rowan', name: 'Rowan', address: hex(31, 56), state: 'invited' },
    { ...mira, verified: 'yes' },
    { ...kestrel, verified: 'changed' },
    group('Reading circle', 5, [member(mira), member(kestrel), stranger]),
    ondine,
    { ...juniper, blocked: true },
    group('Harbour watch', 6, [], { state: 'left', members: [] }),
    ...['Linden', 'Sorrel', 'Bryony', 'Hazel', 'Yarrow', 'Teasel'].map((name, n) => ({
      ...bare,
      ...{ id: name, name, address: hex(50 + n, 56), reachable: n % 2 === 0 },
    })),
  ];
  return { ...state, conversations };
}

const words = 'harbor amber lunar quiet cedar violin maple ribbon oxygen ladder tunnel zebra'.split(' ');
const sameWords = (phrase: string[]): boolean => phrase.join(' ') === words.join(' ');

/** The words of every fake client. */
export const fakePhrase: readonly string[] = words;

const digits = '30482917560912847365518273640192837465564738291038';
/** The code that a contact's screen shows. */
export const fakeSafetyCode = `hourglass safety ${hex(12)}`;
const safety = { digits: (digits + digits).slice(0, 60), code: fakeSafetyCode };

type PeopleCommands = Pick<
  ClientApi,
  | 'createInvite'
  | 'invites'
  | 'revokeInvite'
  | 'addByHandle'
  | 'answerRequest'
  | 'block'
  | 'safetyNumber'
  | 'compareCode'
  | 'setVerified'
  | 'acknowledgeKey'
  | 'setPicture'
  | 'setHandle'
  | 'setReadReceipts'
  | 'setCover'
  | 'createGroup'
  | 'addMembers'
  | 'removeMember'
  | 'leaveGroup'
  | 'renameGroup'
>;

function inviteCommands(): Pick<ClientApi, 'createInvite' | 'invites' | 'revokeInvite'> {
  const now = Date.now();
  let count = 0;
  const invite = (rest: Partial<InviteView>): InviteView => {
    const id = hex(70 + ++count, 32);
    const link = `https://hg.example.org/#i/${hex(70 + count, 104)}`;
    const bare = { reusable: false, uses: 0, createdAt: Date.now(), expiresAt: Date.now() + 7 * day };
    return { id, link, ...bare, ...rest };
  };
  let open = [
    invite({ createdAt: now - 2 * day, expiresAt: now + 28 * day, reusable: true, uses: 3 }),
    invite({ createdAt: now - 5 * hour, expiresAt: now + 7 * day - 5 * hour }),
  ];
  return {
    createInvite: async ({ reusable = false, days = 7 } = {}) => {
      await soon();
      const made = invite({ reusable, expiresAt: Date.now() + days * day });
      open = [made, ...open];
      return made;
    },
    invites: async () => open,
    revokeInvite: async (id) => void (open = open.filter((one) => one.id !== id)),
  };
}

export function peopleCommands(
  fake: Holder,
  add: (name: string, part: Partial<ConversationView>) => string,
): PeopleCommands {
  const change = (id: string, part: Partial<ConversationView>): void =>
    fake.patch({
      conversations: fake.state.conversations.map((one) => (one.id === id ? { ...one, ...part } : one)),
    });
  const members = (id: string): MemberView[] =>
    fake.state.conversations.find((one) => one.id === id)?.members ?? [];
  const asMembers = (ids: string[]): MemberView[] =>
    fake.state.conversations
      .filter((one) => ids.includes(one.id))
      .map(({ id, name }) => ({ id, name, self: false }));
  const profile = (part: Partial<ClientState['profile']>): void =>
    fake.patch({ profile: { ...fake.state.profile, ...part } });
  let groups = 20;
  return {
    ...inviteCommands(),
    addByHandle: async (name) => {
      await soon();
      if (name === 'nobody') throw refused('not-found', 'nobody has this name');
      return add(name, { state: 'requested', waiting: 'contact' });
    },
    answerRequest: async (id, accept) => {
      await soon();
      if (accept) change(id, { state: 'active', reachable: true });
      else fake.patch({ conversations: fake.state.conversations.filter((one) => one.id !== id) });
    },
    block: async (id, on) => change(id, { blocked: on }),
    safetyNumber: async () => safety,
    compareCode: async (id, code) => {
      if (code === safety.code) change(id, { verified: 'yes' });
      return code === safety.code;
    },
    setVerified: async (id, on) => change(id, { verified: on ? 'yes' : 'no' }),
    acknowledgeKey: async (id) => change(id, { verified: 'no' }),
    setPicture: async (picture) => profile({ picture }),
    setHandle: async (handle) => {
      await soon();
      if (handle === 'mira') throw refused('refused', 'this name is taken');
      profile({ handle });
    },
    setCover: async (cover) => {
      const cost = { off: 0, light: 1_100, full: 8_600 }[cover];
      fake.patch({ settings: { ...fake.state.settings, cover }, cover: { up: cost, down: cost } });
    },
    setReadReceipts: async (readReceipts) =>
      fake.patch({ settings: { ...fake.state.settings, readReceipts } }),
    createGroup: async (name, contacts) => {
      await soon();
      const made = group(name, ++groups, asMembers(contacts));
      fake.patch({ conversations: [made, ...fake.state.conversations] });
      return made.id;
    },
    addMembers: async (id, contacts) => change(id, { members: [...members(id), ...asMembers(contacts)] }),
    removeMember: async (id, member) =>
      change(id, { members: members(id).filter((one) => one.id !== member) }),
    leaveGroup: async (id) => change(id, { state: 'left', members: [] }),
    renameGroup: async (id, name) => change(id, { name }),
  };
}

type KeepingCommands = Pick<
  ClientApi,
  | 'setPassphrase'
  | 'recoveryPhrase'
  | 'keepPhrase'
  | 'backup'
  | 'readBackup'
  | 'restoreBackup'
  | 'setServerBackup'
  | 'eraseEverything'
>;

export function keepingCommands(fake: Holder): KeepingCommands {
  const change = (part: Partial<KeepingView>): void =>
    fake.patch({ keeping: { ...fake.state.keeping, ...part } });
  return {
    setPassphrase: async (passphrase) => {
      await soon(600);
      change({ locked: passphrase !== null });
    },
    recoveryPhrase: async () => [...words],
    keepPhrase: async () => change({ phraseKept: true }),
    backup: async () => new Blob([new Uint8Array(48_000)]),
    readBackup: async (_, phrase) => {
      await soon();
      if (!sameWords(phrase)) throw refused('bad-signature', 'These words do not open this backup.');
      return { madeAt: Date.now() - hour, name: 'Alder', contacts: 9, groups: 2, messages: 312 };
    },
    restoreBackup: async () => soon(),
    setServerBackup: async (on) => {
      change({ serverBackup: on ? { at: null, bytes: 0 } : null });
      if (!on) return;
      await soon();
      change({ serverBackup: { at: Date.now(), bytes: 65_536 } });
    },
    eraseEverything: async () => soon(1000),
  };
}

import type { HelpingApi, HelpingView, ReachView, RelayingView } from './api-helping.ts';

/**
 * The one way into the client core: commands in, one stream of events out. Everything here is plain and
 * serialisable, for it crosses a MessagePort; no key of any kind ever does.
 * A snapshot (`state`) answers "what is true now"; each event replaces one part of it.
 */

/** Why a message or circuit waits or failed: a code of `shared/errors.ts`; or what is waited for, `circuit` or `contact`, or `key-changed` or `blocked`, which the user may end. */
export type Reason = string;

type Counts = { circuits: number; neighbours: number; carried: number };

/** The worst useful truth about this client, for the status chip. */
export type Status =
  | { kind: 'offline' }
  | { kind: 'server-unreachable'; neighbours: number }
  | { kind: 'distrusted' }
  /** The user went on in another browser: nothing is sent or received here any more. */
  | { kind: 'paused' }
  | { kind: 'finding-neighbours'; have: number; want: number }
  | { kind: 'building-circuit'; hop: number; of: number }
  | ({ kind: 'ready' } & Counts)
  /** `nodes`: too few to be anonymous among, where those of one operator count as one; null: enough. `no-webrtc`: all links go by way of the server; `direct`: circuits to the server are one hop long. */
  | ({ kind: 'limited'; why: 'few-nodes' | 'no-webrtc' | 'direct'; nodes: number | null } & Counts);

/** A link to a neighbour, or one that is being made. Its kind: WebRTC, that through a `turn` server, sealed by way of the `server`, or to the server itself. */
export type LinkView = {
  /** While the node runs; a node may have two links to this one for a moment. */
  id: string;
  /** Node id in hex, or null for a neighbour that is no node (a user with relaying off). */
  node: string | null;
  name: string;
  state: 'connecting' | 'open';
  kind: 'direct' | 'turn' | 'server' | 'directory';
  /** Smoothed round trip in milliseconds, or null before the first measurement. */
  rttMs: number | null;
  /** This client's own uses of the link. */
  guard: boolean;
  ownCircuits: number;
  /** Circuits that pass through here for others. */
  carriedCircuits: number;
};

export type NodeView = {
  node: string;
  name: string;
  guard: boolean;
  exit: boolean;
  avoided: boolean;
  self: boolean;
};

export type HopView = {
  node: string;
  name: string;
  role: 'guard' | 'middle' | 'exit' | 'meeting-point' | 'directory';
  state: 'building' | 'open' | 'lost';
};

/** One circuit of this client, hop by hop as it really stands. */
export type CircuitView = {
  id: string;
  purpose: 'conversation' | 'inbox' | 'directory' | 'lookup' | 'spare';
  /** The conversation that it serves, for purpose `conversation`. */
  conversation: string | null;
  state: 'building' | 'open' | 'closed';
  hops: HopView[];
  /** Wall clock, milliseconds. */
  openedAt: number | null;
  renewsAt: number | null;
  rttMs: number | null;
  /** Why it closed. */
  reason: Reason | null;
};

/** Only ever forward, but for another try of one that failed. */
export type MessageState = 'queued' | 'sending' | 'stored' | 'delivered' | 'read' | 'failed';

/** What happened in a conversation that nobody wrote. `member` is an address in hex, `name` theirs or the group's new one. */
export type EventView =
  | { type: 'created'; member: null }
  | { type: 'added'; member: string; name: string }
  | { type: 'removed'; member: string; name: string }
  /** The message's author did. */
  | { type: 'left'; member: null }
  | { type: 'renamed'; member: null; name: string }
  | { type: 'timer'; member: null; ms: number | undefined }
  | { type: 'key-changed'; member: null };

export type MessageView = {
  id: string;
  conversation: string;
  mine: boolean;
  /** In a group, who wrote it: an address in hex. */
  author: string | null;
  text: string;
  event: EventView | null;
  /** The id of the file that came with it. */
  file: string | null;
  /** The id of the message that it answers. */
  replyTo: string | null;
  /** `by`: an address in hex, or null for one's own. */
  reactions: { by: string | null; emoji: string }[];
  /** Its author took it back: nothing of its content is left. */
  deleted: boolean;
  /** When it disappears, milliseconds. */
  expiresAt: number | null;
  /** The sender's time, milliseconds. */
  sentAt: number;
  state: MessageState;
  /** Why it waits or failed; null when neither. */
  reason: Reason | null;
  /** Each state with the time it was entered, in order. */
  timeline: { state: MessageState; at: number }[];
  /** Of a group's members, addresses in hex: who has it, and who has seen it. */
  deliveredTo: string[];
  readBy: string[];
};

/** Of a conversation's messages, the last `count`, or as many before the one of this id; all of them where there is none of this id. */
export type MessagePart = { count: number; before?: string };

/** Somebody in a group. `id` is their address in hex; whoever is a contact too has a conversation of that id. */
export type MemberView = { id: string; name: string; self: boolean };

/** A conversation with a contact, or of a group. */
export type ConversationView = {
  /** A contact's address in hex (64 characters), or a group's id in hex (32). */
  id: string;
  kind: 'contact' | 'group';
  name: string;
  /** The contact's address, in its canonical text form; empty for a group. */
  address: string;
  /** `requested`: the contact has not answered yet. `invited`: they wait for this user's answer. `left`: a group that this user is no longer in. */
  state: 'requested' | 'invited' | 'active' | 'left';
  /** Of a group; empty for a contact. */
  members: MemberView[];
  /** Of a group, who else is known to have been in it. */
  former: MemberView[];
  blocked: boolean;
  /** Whether the user compared safety numbers, or the contact's key changed since. */
  verified: 'no' | 'yes' | 'changed';
  /** The contact's picture (JPEG), or null. */
  picture: Uint8Array | null;
  /** New messages disappear so long after they were sent, ms; null: they stay. */
  timerMs: number | null;
  /** What the user began to write. */
  draft: string;
  /** True while a channel to the contact is open. */
  reachable: boolean;
  /** What the conversation waits for when it is not reachable. */
  waiting: 'circuit' | 'contact' | null;
  unread: number;
  /** Own messages that wait to leave, or are leaving. */
  leaving: number;
  last: MessageView | null;
  /** Cells of this conversation's messages that were sent again, over those sent, since it opened. */
  sent: number;
  resent: number;
};

/** `handle`: the name under which anyone can ask for contact, without @, or null. */
export type Profile = {
  name: string;
  address: string | null;
  started: boolean;
  picture: Uint8Array | null;
  handle: string | null;
};

/** How much is sent only to hide when something is said. */
export type CoverLevel = 'off' | 'light' | 'full';

/** `readReceipts`: says what was seen to contacts who say it too. `hideAddress`: from neighbours, by TURN servers; null: there is none. */
export type Settings = {
  relaying: boolean;
  readReceipts: boolean;
  cover: CoverLevel;
  hideAddress: boolean | null;
};

/** What cover costs at present, in bytes a second each way. */
export type CoverView = { up: number; down: number };

/** An invite that may still be used; `uses` counts the contacts who came by one that is reusable. */
export type InviteView = {
  id: string;
  link: string;
  reusable: boolean;
  uses: number;
  createdAt: number;
  expiresAt: number;
};

/** What both sides compare: 12 groups of 5 digits, and the text of a QR code for the other side to scan. */
export type SafetyNumber = { digits: string; code: string };

/** A file in a conversation. */
export type FileView = {
  id: string;
  message: string;
  conversation: string;
  name: string;
  /** MIME type, as its sender says. */
  type: string;
  size: number;
  /** A small JPEG, or null. */
  preview: Uint8Array | null;
  voice: VoiceView | null;
  /** `offered`: waits for someone to take it. `paused`: until both are there. */
  state: 'offered' | 'moving' | 'paused' | 'done' | 'cancelled' | 'failed';
  /** Bytes that the receiver has said they keep, or that are kept here. */
  done: number;
  reason: Reason | null;
};

/** A voice note's length, and the loudness of its parts, each 0 to 255. */
export type VoiceView = { durationMs: number; peaks: number[] };

/** What goes with a file; `preview` is a JPEG of at most 8,192 bytes. */
export type FileAbout = { name: string; type: string; preview: Uint8Array | null; voice: VoiceView | null };

/** How this user's data is kept. Times in ms since 1970. */
export type KeepingView = {
  /** The store opens by a passphrase only. */
  locked: boolean;
  /** The recovery phrase was shown and confirmed. */
  phraseKept: boolean;
  /** An opaque copy at the directory: when it was last made and its bytes, or null when off. */
  serverBackup: { at: number | null; bytes: number } | null;
  /** Why the last copy failed, or `oversized`: the oldest messages or files had no room in it. */
  error: Reason | null;
  /** A backup was put in place elsewhere, so here nothing is sent or received any more. */
  moved: boolean;
};

/** What a backup holds, told without putting it in place. */
export type BackupContents = {
  madeAt: number;
  name: string;
  contacts: number;
  groups: number;
  messages: number;
};

/** What an invite says about whom it leads to, read without contacting anyone. */
export type InvitePreview = { address: string; name: string; expiresAt: number };

export type ClientState = {
  profile: Profile;
  settings: Settings;
  cover: CoverView;
  status: Status;
  conversations: ConversationView[];
  links: LinkView[];
  nodes: NodeView[];
  circuits: CircuitView[];
  /** Own node id in hex when relaying. */
  node: { id: string; name: string; registered: boolean } | null;
  /** Milliseconds since 1970 of the consensus in use, or null. */
  consensusAt: number | null;
  reach: ReachView;
  relaying: RelayingView;
  helping: HelpingView;
  keeping: KeepingView;
};

/** Each replaces the part of `ClientState` that it names, but `message` and `file`, which add or replace one, `gone`, and `alarm`, which no state holds. */
export type ClientEvent =
  | { type: 'profile'; profile: Profile }
  | { type: 'settings'; settings: Settings }
  | { type: 'cover'; cover: CoverView }
  | { type: 'status'; status: Status }
  | { type: 'conversations'; conversations: ConversationView[] }
  | { type: 'links'; links: LinkView[] }
  | { type: 'nodes'; nodes: NodeView[]; consensusAt: number | null }
  | { type: 'circuits'; circuits: CircuitView[] }
  | { type: 'node'; node: ClientState['node'] }
  | { type: 'reach'; reach: ReachView }
  | { type: 'relaying'; relaying: RelayingView }
  | { type: 'helping'; helping: HelpingView }
  | { type: 'keeping'; keeping: KeepingView }
  | { type: 'message'; message: MessageView }
  | { type: 'file'; file: FileView }
  /** These messages are no more. */
  | { type: 'gone'; conversation: string; messages: string[] }
  /** The directory was caught at what an honest one does not do; the user has to know. */
  | { type: 'alarm'; code: Reason };

/** Rejections are `{ code, message }` with a code of `shared/errors.ts` and a sentence that says what to do. */
export type ClientApi = HelpingApi & {
  state(): Promise<ClientState>;
  /** Makes an identity on first use and begins to open inboxes. `name` is shown to contacts only. */
  start(options: { name: string }): Promise<void>;
  setName(name: string): Promise<void>;
  setRelaying(on: boolean): Promise<void>;
  setReadReceipts(on: boolean): Promise<void>;
  setHideAddress(on: boolean): Promise<void>;
  setCover(level: CoverLevel): Promise<void>;
  /** A JPEG of at most 32 KiB, for contacts to see; null removes it. */
  setPicture(picture: Uint8Array | null): Promise<void>;
  /** Takes a handle, without @, or gives it up. */
  setHandle(name: string | null): Promise<void>;
  createInvite(options?: { reusable?: boolean; days?: number }): Promise<InviteView>;
  invites(): Promise<InviteView[]>;
  revokeInvite(id: string): Promise<void>;
  previewInvite(link: string): Promise<InvitePreview>;
  /** Adds the contact and returns the conversation's id; its first messages may be sent at once. */
  acceptInvite(link: string): Promise<string>;
  /** Asks whoever holds a handle for contact; returns the conversation's id. */
  addByHandle(name: string): Promise<string>;
  answerRequest(conversation: string, accept: boolean): Promise<void>;
  block(conversation: string, on: boolean): Promise<void>;
  safetyNumber(conversation: string): Promise<SafetyNumber>;
  /** Whether a scanned code is the one that belongs here; if so, the contact is verified. */
  compareCode(conversation: string, code: string): Promise<boolean>;
  setVerified(conversation: string, on: boolean): Promise<void>;
  acknowledgeKey(conversation: string): Promise<void>;
  /** With contacts, by their conversations' ids; returns the group's. */
  createGroup(name: string, contacts: string[]): Promise<string>;
  addMembers(group: string, contacts: string[]): Promise<void>;
  removeMember(group: string, member: string): Promise<void>;
  leaveGroup(group: string): Promise<void>;
  renameGroup(group: string, name: string): Promise<void>;
  /** The oldest first; without `part` all. */
  messages(conversation: string, part?: MessagePart): Promise<MessageView[]>;
  send(conversation: string, text: string, options?: { replyTo?: string }): Promise<MessageView>;
  retry(message: string): Promise<void>;
  /** One reaction a message and person; null takes it back. */
  react(message: string, emoji: string | null): Promise<void>;
  /** `everywhere` takes an own message back from the others too. */
  deleteMessage(message: string, everywhere: boolean): Promise<void>;
  /** New messages of both sides disappear so long after they were sent, ms. */
  setTimer(conversation: string, ms: number | null): Promise<void>;
  saveDraft(conversation: string, text: string): Promise<void>;
  /** The newest first, 100 at the most. */
  search(query: string): Promise<MessageView[]>;
  sendFile(conversation: string, content: Blob, about: FileAbout): Promise<MessageView>;
  files(conversation: string): Promise<FileView[]>;
  /** Fetches a file that is offered, or goes on with it. */
  takeFile(file: string): Promise<void>;
  cancelFile(file: string): Promise<void>;
  /** The whole of a file whose state is `done`. */
  fileContent(file: string): Promise<Blob>;
  markRead(conversation: string): Promise<void>;
  /** Builds a fresh path for this conversation and moves it over once that is open. */
  newCircuit(conversation: string): Promise<void>;
  /** Whether the directory signed this list of the app's files. */
  isSigned(list: Uint8Array, signature: Uint8Array): Promise<boolean>;
  connect(node: string): Promise<void>;
  disconnect(node: string): Promise<void>;
  /** An avoided node stands in no path of this client. */
  avoid(node: string, on: boolean): Promise<void>;
  /** Opens by this passphrase only from now on; null: without one. */
  setPassphrase(passphrase: string | null): Promise<void>;
  recoveryPhrase(): Promise<string[]>;
  /** The user says that the words are written down. */
  keepPhrase(): Promise<void>;
  /** An encrypted copy of everything. */
  backup(): Promise<Blob>;
  /** What a backup holds: a file, or with null what the directory keeps for these words. */
  readBackup(backup: Blob | null, phrase: string[]): Promise<BackupContents>;
  /** Puts it in place, in a profile that was not started; the client is then to be opened anew. */
  restoreBackup(backup: Blob | null, phrase: string[]): Promise<void>;
  setServerBackup(on: boolean): Promise<void>;
  /** Everything of this profile on this device, and what the directory keeps for it. */
  eraseEverything(): Promise<void>;
  /** Ends links, circuits and timers; the store stays. */
  stop(): Promise<void>;
};

import type { Handle } from '#shared/node/input.ts';
import type { ClientEvent } from '#web/api.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { FileFrame } from '#web/core/conversation/frames.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import type { Profile, User } from '#web/core/profile.ts';
import type { Pay } from '#web/core/publisher.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** What a feature stands on. */
export type FeatureEnv = {
  store: Store;
  ports: Host['ports'];
  network: Network;
  pay: Pay;
  profile: Profile;
  user: User;
  /** Every conversation with a contact. */
  sessions(): Session[];
  /** By conversation id, a contact's address in hex. */
  session(id: string): Session | undefined;
  /** Makes a new group with the contact of a conversation whose own is of no use any more. Rejects as `Conversations.restart` does. */
  restart(id: string, keyPackage: Uint8Array): Promise<void>;
  /** The mailboxes that this user's contact descriptors name. */
  firstBoxes: FirstBoxes;
  /** Those that the descriptors of the handle's address name. */
  handleBoxes: FirstBoxes;
  /** Takes a frame that came by mail: the conversation to which it went, once it is stored. Rejects as `Conversations.receive` does. */
  receive(frame: Uint8Array): Promise<Session>;
  /** What may not leave toward a contact now: nothing passes on any way while it is `everything`. */
  holds(conversation: string): Hold | undefined;
  /** There is something to say to them: no more waiting. */
  poke(conversation: string): void;
  /** Something of a conversation's view is another. */
  changed(): void;
  tell(event: ClientEvent): void;
};

/** A part of the core that lives on what contacts say to each other beside messages. None of it may throw, but where that is said. */
export type Feature = {
  /** Reads what it needs of the store, before anything else is asked of it. Rejects with LocalError `storage`. */
  load?(): Promise<void>;
  /** What an envelope changes in the store; written with the conversation that it came in, so each has its effect once. */
  keep?(contact: Uint8Array, envelope: Envelope): readonly Change[];
  /** What goes with a message that had a file and is no more; written with that. */
  drop?(message: Message): readonly Change[];
  /** That is written. */
  taken?(conversation: string, envelope: Envelope): void;
  /** What any conversation tells. */
  told?(event: SessionEvent): void;
  /** Part of a file came on a channel to a contact. May throw RemoteError, upon which the channel is closed. */
  frame?(conversation: string, channel: Handle, frame: FileFrame): void;
  /** A conversation was begun, or loaded. */
  begun?(session: Session): void;
  /** A channel to a contact serves their conversation, each side knowing so; or does no longer. */
  opened?(conversation: string, channel: Handle): void;
  closed?(conversation: string, channel: Handle): void;
  /** A conversation is no more: what it changes in the store is written with that. */
  ended?(conversation: string): readonly Change[];
  /** It was looked for a contact, who is not there. */
  absent?(conversation: string): void;
  /** Something came into a mailbox of this user's. */
  mail?(mailbox: Uint8Array): void;
  /** Takes back what the directory keeps for it: there will be no user any more. May reject. */
  withdraw?(): Promise<void>;
  stop?(): void;
};

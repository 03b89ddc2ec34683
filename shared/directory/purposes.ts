import { decode } from '../bytes/codec.ts';
import { requestCodec, type DirectoryRequest } from './messages.ts';

/**
 * What a circuit of a user's asks of the directory, by its purpose: nothing of another purpose rides on it, or the directory
 * could tell that both are one user's. `ahead` is a contact descriptor of a period to come.
 */
const carried = {
  publish: ['publish'],
  ahead: ['publish'],
  lookup: ['lookup'],
  mailbox: ['deposit', 'collect', 'acknowledge'],
  record: ['put-record', 'get-record'],
  handle: ['put-handle', 'get-handle'],
  audit: ['audit'],
  leaves: ['leaves', 'report'],
  tokens: ['issue'],
} as const satisfies Record<string, readonly DirectoryRequest['type'][]>;

export type AskPurpose = keyof typeof carried;

type Paid = Extract<DirectoryRequest, { type: 'paid' }>;

/** What may be asked for a purpose, so that anything else does not compile. What is paid for is looked into as it is sent. */
export type RequestFor<P extends AskPurpose> =
  Extract<DirectoryRequest, { type: (typeof carried)[P][number] }> | Paid;

/** What the node itself asks, over its own circuit. */
export type OwnRequest = Extract<
  DirectoryRequest,
  { type: 'listen' | 'signal' | 'consensus' | 'register' | 'heartbeat' | 'leave' }
>;

/** Whether an encoded request is one of that purpose; one that is paid for counts as what it pays for. Throws `malformed`. */
export const isFor = (purpose: AskPurpose, body: Uint8Array): boolean => {
  const request = decode(requestCodec, body);
  if (request.type === 'paid') return isFor(purpose, request.request);
  return (carried[purpose] as readonly string[]).includes(request.type);
};

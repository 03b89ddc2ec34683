import type {
  ConsensusRecord,
  DescriptorRecord,
  DocumentRecord,
  HandleRecord,
  MailRecord,
  NodeRecord,
  SealedRecord,
} from '#server/stores/ports.ts';
import { nodeId, type Millis } from '#shared/units.ts';

/** Late enough that no engine's own clock takes anything for expired. */
export const START_MS: Millis = 4_000_000_000_000;
const EXPIRES_MS = START_MS + 1_000_000;

export const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

export const consensusOf = (sequence: number, byte = sequence): ConsensusRecord => ({
  sequence,
  fence: byte,
  time: START_MS + sequence * 100,
  hash: filled(32, byte),
  bytes: filled(500, byte),
});

export const descriptorOf = (id: number, revision: number, expires = EXPIRES_MS): DescriptorRecord => ({
  id: filled(32, id),
  blindedKey: filled(32, id + 1),
  period: 20_000,
  revision,
  blob: filled(16_384, revision % 256),
  signature: filled(64, revision % 256),
  expires,
});

export const sealedOf = (id: number, revision: number, expires = EXPIRES_MS): SealedRecord => ({
  id: filled(32, id),
  key: filled(32, id + 1),
  revision,
  blob: filled(4_096, revision % 256),
  signature: filled(64, revision % 256),
  expires,
});

export const nodeOf = (byte: number, seen: number): NodeRecord => ({
  node: nodeId(filled(32, byte)),
  descriptor: filled(1_355, byte),
  published: 5,
  since: 6,
  seen,
});

/** Of 100 bytes. */
export const mailOf = (mailbox: number, id: number): MailRecord => ({
  mailbox: filled(32, mailbox),
  id: filled(16, id),
  blob: filled(100, id),
  at: START_MS,
  expires: EXPIRES_MS,
});

export const documentOf = (id: string, byte: number, expires = EXPIRES_MS): DocumentRecord => ({
  id,
  bytes: filled(300, byte),
  expires,
});

export const handleOf = (name: string, more: Partial<HandleRecord> = {}): HandleRecord => ({
  name,
  key: filled(32, 7),
  revision: 1,
  content: filled(96, 3),
  signature: filled(64, 4),
  expires: EXPIRES_MS,
  ...more,
});

import { sha256 } from '#shared/crypto/kdf.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import type { Consensus, ConsensusNode } from '#shared/directory/consensus.ts';
import {
  signDescriptor,
  readDescriptor,
  type DescriptorFields,
  type NodeDescriptor,
} from '#shared/directory/descriptor.ts';
import { text } from '#shared/bytes/bytes.ts';
import { nodeId, type NodeId } from '#shared/units.ts';

/** 32 bytes that depend on the name alone. */
export const seed = (name: string): Uint8Array => sha256(text(name));

export const NOW = 1_800_000_000_000;

export const directoryKeys = signKeypair(seed('directory'));

/** A node with real keys and a real signature. */
export const realNode = (
  name: string,
  over: Partial<DescriptorFields> = {},
): {
  keys: SignKeypair;
  bytes: Uint8Array;
  descriptor: NodeDescriptor;
  signalling: { secret: Uint8Array; public: Uint8Array };
} => {
  const keys = signKeypair(seed(name));
  const signalling = xwingKeypair(seed(`${name} signalling`));
  const bytes = signDescriptor(keys.secret, {
    id: nodeId(keys.public),
    onionKey: seed(`${name} onion`),
    signallingKey: signalling.public,
    capabilities: { headless: false, reachable: true, server: false },
    family: undefined,
    published: NOW,
    ...over,
  });
  return { keys, bytes, descriptor: readDescriptor(bytes).verify({ now: NOW }), signalling };
};

/** A listed node with made-up keys: enough for whatever only chooses. */
export const listedNode = (name: string, over: Partial<ConsensusNode> = {}): ConsensusNode => ({
  id: nodeId(seed(name)),
  onionKey: seed(`${name} onion`),
  signallingKey: new Uint8Array(1216),
  capabilities: { headless: false, reachable: true, server: false },
  family: undefined,
  published: NOW,
  signature: new Uint8Array(64),
  guard: true,
  exit: true,
  weight: 100,
  since: NOW - 3_600_000,
  ...over,
});

/** `count` nodes called n0, n1 and so on, in the consensus's order. */
export const listedNodes = (
  count: number,
  over: (i: number) => Partial<ConsensusNode> = () => ({}),
): ConsensusNode[] => Array.from({ length: count }, (_, i) => listedNode(`n${String(i)}`, over(i)));

export const idOf = (name: string): NodeId => nodeId(seed(name));

export const consensusOf = (nodes: ConsensusNode[], over: Partial<Consensus> = {}): Consensus => ({
  sequence: 7,
  time: NOW,
  epoch: 500_000,
  previous: seed('previous'),
  directoryKey: directoryKeys.public,
  directoryOnionKey: seed('directory onion'),
  params: {
    registrationDelayMs: 0,
    minimumNodes: 8,
    freshMs: 180_000,
    usableMs: 10_800_000,
    directoryHops: 4,
    policy: 'observe',
    epochMs: 3_600_000,
  },
  contributionEpoch: 0,
  contributionRoot: new Uint8Array(32),
  auditPlan: new Uint8Array(32),
  tokenKey: new Uint8Array(32),
  verificationKeyHash: new Uint8Array(32),
  nodes: [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1)),
  ...over,
});

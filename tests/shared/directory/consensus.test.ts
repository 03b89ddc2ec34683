import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  chainLink,
  consensusHash,
  follows,
  headOf,
  MAX_CONSENSUS_BYTES,
  MAX_NODES,
  readConsensus,
  signConsensus,
  statementCodec,
  statementOf,
  verifyStatement,
  type Consensus,
} from '#shared/directory/consensus.ts';
import { isSelfSigned } from '#shared/directory/descriptor.ts';
import { LocalError } from '#shared/errors.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import {
  consensusOf,
  directoryKeys,
  listedNode,
  listedNodes,
  NOW,
  realNode,
  seed,
} from '#tests/support/sample-network.ts';

const signed = (consensus: Consensus) => signConsensus(directoryKeys.secret, consensus);
const pinned = { directoryKey: directoryKeys.public, now: NOW };

describe('a consensus', () => {
  const node = { ...realNode('ada').descriptor, guard: true, exit: false, weight: 12, since: NOW - 5 };
  const consensus = consensusOf([
    node,
    ...listedNodes(9, (i) => ({ family: i < 2 ? seed('f') : undefined })),
  ]);
  const bytes = signed(consensus);

  it('says back what was signed, with the nodes own signatures', () => {
    const read = readConsensus(bytes).verify(pinned);
    expect(read).toEqual(consensus);
    const ada = read.nodes.find(({ id }) => id === node.id);
    expect(ada && isSelfSigned(ada)).toBe(true);
    expect(ada && isSelfSigned({ ...ada, onionKey: seed('another') })).toBe(false);
  });

  it('has a head that stands by itself', () => {
    const { nodes: _, ...head } = consensus;
    expect(headOf(bytes)).toEqual(head);
    expect(refusalOf(() => headOf(bytes.subarray(0, 100)))).toBe('malformed');
  });

  it('is refused with any byte changed', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (at) => {
        expect(refusalOf(() => readConsensus(flipped(bytes, at)).verify(pinned))).toBeDefined();
      }),
      runs(60),
    );
    const verify = (changed: Uint8Array) => refusalOf(() => readConsensus(changed).verify(pinned));
    expect(verify(flipped(bytes, 1 + 7))).toBe('bad-signature');
    expect(verify(flipped(bytes, 1 + 8 + 8 + 4 + 5))).toBe('bad-signature');
    expect(verify(flipped(bytes, bytes.length - 1))).toBe('bad-signature');
    expect(verify(flipped(bytes, 0))).toBe('bad-version');
  });

  it('is refused from another directory, or one signed by another key', () => {
    const other = signKeypair(seed('other directory'));
    const foreign = signConsensus(other.secret, { ...consensus, directoryKey: other.public });
    expect(refusalOf(() => readConsensus(foreign).verify(pinned))).toBe('bad-key');
    expect(refusalOf(() => readConsensus(foreign).verify({ now: NOW }))).toBeUndefined();
    const forged = signConsensus(other.secret, consensus);
    expect(refusalOf(() => readConsensus(forged).verify(pinned))).toBe('bad-signature');
  });

  it('is usable for its span, whatever the clock of a first reader', () => {
    const at = (now: number | undefined) => refusalOf(() => readConsensus(bytes).verify({ ...pinned, now }));
    expect(at(NOW + consensus.params.usableMs)).toBeUndefined();
    expect(at(NOW + consensus.params.usableMs + 1)).toBe('stale');
    expect(at(undefined)).toBeUndefined();
  });

  it('lists its nodes in order, each once', () => {
    const unordered = { ...consensus, nodes: [...consensus.nodes].reverse() };
    expect(() => signed(unordered)).toThrow(LocalError);
    const twice = { ...consensus, nodes: [consensus.nodes[0], consensus.nodes[0]] as Consensus['nodes'] };
    expect(() => signed(twice)).toThrow(LocalError);
  });

  it('refuses hops out of range', () => {
    for (const directoryHops of [0, 9]) {
      const odd = signed({ ...consensus, params: { ...consensus.params, directoryHops } });
      expect(refusalOf(() => readConsensus(odd))).toBe('malformed');
    }
  });

  it('holds 10,000 nodes of the longest kind, and no more', () => {
    const template = listedNode('template', { family: seed('f') });
    const nodes = Array.from({ length: MAX_NODES }, (_, i) => ({
      ...template,
      id: i.toString(16).padStart(64, '0') as typeof template.id,
    }));
    const large = signed({ ...consensus, nodes });
    expect(large.length).toBeLessThanOrEqual(MAX_CONSENSUS_BYTES);
    expect(readConsensus(large).verify(pinned).nodes).toHaveLength(MAX_NODES);
    expect(refusalOf(() => readConsensus(new Uint8Array(MAX_CONSENSUS_BYTES + 1)))).toBe('oversized');
  });

  it('takes or refuses any bytes', () => {
    const read = (b: Uint8Array) => readConsensus(b).verify({ now: NOW });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (b) => expectOnlyRefusals(read, b)),
      runs(200),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length), (length) => expectOnlyRefusals(read, bytes.slice(0, length))),
      runs(30),
    );
  });
});

describe('the chain of consensuses', () => {
  const first = consensusOf(listedNodes(2), { sequence: 1 });
  const firstBytes = signed(first);
  const link = (consensus: Consensus) => chainLink(signed(consensus), consensus);
  const next = consensusOf(listedNodes(3), { sequence: 2, previous: consensusHash(firstBytes) });

  it('takes the same one and the next ones', () => {
    expect(follows(link(first), link(first))).toBe('same');
    expect(follows(link(first), link(next))).toBe('new');
    expect(follows(link(first), link({ ...next, sequence: 9 }))).toBe('new');
  });

  it('names what must not be taken', () => {
    const answer = (consensus: Consensus) => refusalOf(() => follows(link(first), link(consensus)));
    expect(answer({ ...first, epoch: 1 })).toBe('equivocation');
    expect(answer({ ...next, previous: seed('another') })).toBe('equivocation');
    expect(answer({ ...first, sequence: 0 })).toBe('stale');
    expect(answer({ ...next, directoryKey: seed('another') })).toBe('bad-key');
  });

  it('is witnessed by statements that stand alone', () => {
    const statement = decode(statementCodec, encode(statementCodec, statementOf(firstBytes, first)));
    expect(verifyStatement(directoryKeys.public, statement)).toBe(true);
    expect(verifyStatement(directoryKeys.public, { ...statement, sequence: 2 })).toBe(false);
    expect(verifyStatement(directoryKeys.public, { ...statement, hash: seed('x') })).toBe(false);
    expect(verifyStatement(directoryKeys.public, { ...statement, previous: seed('x') })).toBe(false);
    expect(verifyStatement(seed('x'), statement)).toBe(false);
    const other = { ...first, epoch: 1 };
    expect(verifyStatement(directoryKeys.public, statementOf(signed(other), other))).toBe(true);
  });
});

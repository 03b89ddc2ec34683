import { describe, expect, it } from 'vitest';
import { encode, list } from '#shared/bytes/codec.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import {
  consensusHash,
  signConsensus,
  statementCodec,
  statementOf,
  type Statement,
} from '#shared/directory/consensus.ts';
import { Context } from '#shared/node/context.ts';
import { Gossip } from '#shared/node/gossip.ts';
import type { Link, Links } from '#shared/node/links.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { consensusOf, directoryKeys, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';

const nodes = listedNodes(1);

/** The directory's words on one number, in one of its histories. */
const said = (
  sequence: number,
  history = 'a',
  previous = seed(`${history} ${String(sequence - 1)}`),
): Statement => {
  const consensus = consensusOf(nodes, { sequence, previous, auditPlan: seed(history) });
  return statementOf(signConsensus(directoryKeys.secret, consensus), consensus);
};

/** A whole chain, each naming the one before. */
const chain = (length: number, history: string): Statement[] => {
  const statements: Statement[] = [];
  for (let sequence = 1; sequence <= length; sequence++) {
    statements.push(said(sequence, history, statements.at(-1)?.hash));
  }
  return statements;
};

const gossipOf = (...statements: Statement[]): Uint8Array => encode(list(statementCodec, 9), statements);

/** A node of this many neighbours, and one link to the directory. */
const listener = (evidence?: Uint8Array) => {
  const context = new Context(seededRng(seed('rng')), NOW, false);
  const told: Uint8Array[] = [];
  const all = [{ kind: 'peer' }, { kind: 'client' }, { kind: 'directory' }] as Link[];
  const links = { all: () => all, gossip: (_: Link, body: Uint8Array) => void told.push(body) };
  let convictions = 0;
  const convicted = (): void => void (convictions += 1);
  const gossip = new Gossip({ context, links: links as unknown as Links, evidence, convicted });
  const witness = (statement: Statement): boolean => gossip.witness(directoryKeys.public, statement);
  const kept = (): Uint8Array | undefined =>
    context
      .drain()
      .flatMap((each) =>
        each.type === 'event' && each.event.type === 'evidence' ? [each.event.evidence] : [],
      )[0];
  return { gossip, told, witness, kept, convictions: () => convictions };
};

describe('gossip', () => {
  it('tells every neighbour of each newer consensus, and not the directory', () => {
    const { told, witness } = listener();
    const [first, second] = chain(2, 'a') as [Statement, Statement];
    expect(witness(first)).toBe(true);
    expect(witness(second)).toBe(true);
    expect(witness(second)).toBe(true);
    expect(told).toEqual([first, first, second, second].map((each) => gossipOf(each)));
  });

  it.each<[string, Statement[], Statement]>([
    ['another one under a number that is known', chain(3, 'a'), said(2, 'b')],
    ['a next one that does not name it', chain(3, 'a'), said(4, 'b')],
    ['one before that it does not name', [said(3, 'a')], said(2, 'b')],
  ])('convicts by %s, once, and passes it on', (_, own, heard) => {
    const { gossip, told, witness, kept, convictions } = listener();
    for (const statement of own) witness(statement);
    const before = told.length;
    gossip.receive(gossipOf(heard));
    gossip.receive(gossipOf(heard));
    expect(convictions()).toBe(1);
    const evidence = kept();
    expect(told.slice(before)).toEqual([evidence, evidence]);
    expect(witness(said(9, 'a'))).toBe(false);
    // Whoever hears it needs nothing else.
    const other = listener();
    other.witness(said(200, 'c'));
    other.gossip.receive(evidence as Uint8Array);
    expect(other.convictions()).toBe(1);
    // And whoever comes back to that directory later knows it still.
    const later = listener(evidence);
    expect(later.witness(said(300, 'd'))).toBe(false);
    expect(later.convictions()).toBe(1);
  });

  it('does not convict another directory by what is kept', () => {
    const forged = { ...said(2, 'b'), signature: new Uint8Array(64) };
    const { witness, convictions } = listener(gossipOf(said(2, 'a'), forged));
    expect(witness(said(7))).toBe(true);
    expect(convictions()).toBe(0);
  });

  it('takes what fits, and compares what neighbours said with each other', () => {
    const { gossip, witness, convictions } = listener();
    witness(said(10));
    gossip.receive(gossipOf(said(20, 'b')));
    gossip.receive(gossipOf(said(20, 'b')));
    expect(convictions()).toBe(0);
    gossip.receive(gossipOf(said(20, 'c')));
    expect(convictions()).toBe(1);
  });

  it('refuses what the directory did not sign, what contradicts nothing, and what is no gossip', () => {
    const { gossip, witness, convictions } = listener();
    const refusal = (body: Uint8Array) => refusalOf(() => gossip.receive(body));
    const forged = { ...said(2, 'b'), hash: consensusHash(new Uint8Array(100)) };
    // Before it knows the directory it takes nothing.
    expect(refusal(gossipOf(forged))).toBeUndefined();
    witness(said(9));
    expect(refusal(gossipOf(forged))).toBe('bad-signature');
    expect(refusal(gossipOf(said(5), said(7)))).toBe('malformed');
    expect(refusal(gossipOf(said(2, 'a'), forged))).toBe('bad-signature');
    expect(refusal(gossipOf())).toBe('malformed');
    expect(refusal(gossipOf(said(2), said(3), said(4)))).toBe('oversized');
    expect(refusal(new Uint8Array(137))).toBe('malformed');
    expect(convictions()).toBe(0);
  });

  it('forgets old numbers, so that nobody can fill it', () => {
    const { gossip, witness, convictions } = listener();
    witness(said(1));
    for (let sequence = 1000; sequence < 1600; sequence += 2) gossip.receive(gossipOf(said(sequence)));
    gossip.receive(gossipOf(said(1000, 'b')));
    // It is not even checked.
    gossip.receive(gossipOf({ ...said(1000, 'b'), signature: new Uint8Array(64) }));
    expect(convictions()).toBe(0);
    gossip.receive(gossipOf(said(1598, 'b')));
    expect(convictions()).toBe(1);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Verifier } from '#circuits/verify.ts';
import { hex } from '#shared/bytes/bytes.ts';
import { cellCommand, relayCommand } from '#shared/cell/commands.ts';
import { EXIT_HOP } from '#shared/cell/geometry.ts';
import { fieldBytes } from '#shared/contribution/field.ts';
import { searchWork } from '#shared/crypto/work.ts';
import { signConsensus, type Consensus, type Params } from '#shared/directory/consensus.ts';
import type { Output } from '#shared/node/output.ts';
import { encodeTicket, ticketChallenge, ticketScope, ticketSignal } from '#shared/rendezvous/ticket.ts';
import type { NodeId } from '#shared/units.ts';
import { entries, holdingAt, openProver, tree } from '#tests/circuits/sample.ts';
import { consensusOf, directoryKeys, idOf, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';
import { Bench } from './bench.ts';
import type { RawCircuit, RawPeer } from './raw-peer.ts';

const EPOCH_MS = 60_000;
const EPOCH = NOW / EPOCH_MS;
const PROVED = EPOCH - 1;
const PLACES = 4;

type TicketOf = (tag: Uint8Array) => Uint8Array;
type Verify = Extract<Output, { type: 'verify' }>;

let bench: Bench;
let peer: RawPeer;

const tell = (policy: Params['policy'], over: Partial<Consensus> = {}): void => {
  const sample = consensusOf(listedNodes(3));
  const params = { ...sample.params, policy, epochMs: EPOCH_MS };
  const standing = { contributionEpoch: PROVED, contributionRoot: fieldBytes(tree.root) };
  const consensus = { ...sample, epoch: EPOCH, params, ...standing, ...over };
  bench.input({ type: 'consensus', body: signConsensus(directoryKeys.secret, consensus) });
};

const begin = (policy?: Params['policy']): void => {
  bench = new Bench('node', 1, { maxInboxes: PLACES });
  peer = bench.stranger();
  if (policy) tell(policy);
};

/** A circuit that ends here as the third hop. */
const circuit = (): RawCircuit => peer.circuit(EXIT_HOP).sham();

const opens = (name: string, ticketOf?: TicketOf, on = circuit()): RawCircuit => {
  on.inbox(seed(name), ticketOf);
  return on;
};

/** What was found once: each test has the same node and tags. */
const found = new Map<string, number>();

const search = (challenge: Uint8Array, bits: number, from: number): number => {
  const key = `${hex(challenge)} ${bits} ${from}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const result = searchWork(challenge, bits, from, 10_000_000);
  if (!('work' in result)) throw new Error('not found');
  found.set(key, result.work);
  return result.work;
};

type Bound = { exit?: NodeId; tag?: Uint8Array; epoch?: number; from?: number };

const work =
  (bits: number, { exit = bench.keys.id, tag, epoch = EPOCH, from = 1 }: Bound = {}): TicketOf =>
  (own) => {
    const challenge = ticketChallenge(exit, tag ?? own, epoch);
    return encodeTicket({ type: 'work', work: search(challenge, bits, from), epoch });
  };

/** A proof that the tests' own verifier takes or not, as it is told. */
const proof =
  (nullifier: number, { epoch = PROVED, threshold = 3 } = {}): TicketOf =>
  () => {
    const given = {
      epoch,
      threshold,
      nullifier: BigInt(nullifier),
      proof: new Uint8Array(256).fill(nullifier),
    };
    return encodeTicket({ type: 'proof', ...given });
  };

/** The proofs that this node has asked to be checked. */
const checks = (): Verify[] => bench.others.filter((output): output is Verify => output.type === 'verify');

const judge = (valid: boolean): void => {
  const [check] = checks();
  if (!check) throw new Error('no proof is being checked');
  bench.others.splice(bench.others.indexOf(check), 1);
  bench.input({ type: 'verified', job: check.job, valid });
};

const isOpen = (on: RawCircuit): boolean => on.of(relayCommand.INBOX_OPENED).length > 0;
const asked = (on: RawCircuit): number | undefined => on.of(relayCommand.INBOX_WORK).at(-1)?.data[0];
const fate = (on: RawCircuit): string => on.destroyed ?? on.refused ?? (isOpen(on) ? 'open' : 'waits');
const leave = (on: RawCircuit): void => on.say(relayCommand.END, Uint8Array.of(22));
const lose = (on: RawCircuit): void => on.send(on.cell(cellCommand.DESTROY, Uint8Array.of(0)));

const proves = (nullifier: number): RawCircuit => {
  const on = opens(`proof ${String(nullifier)}`, proof(nullifier));
  judge(true);
  return on;
};

/** Every place is taken: three by work, the last by a proof. */
const fill = (): RawCircuit[] => [
  opens('one', work(10)),
  opens('two', work(13)),
  opens('three', work(16)),
  proves(201),
];

describe('an exit that asks for no tickets', () => {
  it.each(['off', 'observe'] as const)('lets in who shows none, by the policy %s', (policy) => {
    begin(policy);
    expect(fate(opens('plain'))).toBe('open');
    expect(bench.refusals()).toEqual([]);
  });

  it('does so too when nobody has told it a policy', () => {
    begin();
    const all = ['one', 'two', 'three', 'four', 'five'].map((name) => opens(name, () => Uint8Array.of(9)));
    expect(all.map(fate)).toEqual(['open', 'open', 'open', 'open', 'too-many']);
  });

  it('looks at none where they are off', () => {
    begin('off');
    for (const ticket of [proof(1), () => Uint8Array.of(9)]) expect(fate(opens('one', ticket))).toBe('open');
    expect([checks(), bench.refusals()]).toEqual([[], []]);
  });

  it('checks what comes where they are observed, counts it, and lets it in', () => {
    begin('observe');
    expect(fate(opens('odd', () => Uint8Array.of(9)))).toBe('open');
    expect(fate(opens('lazy', work(0, { epoch: EPOCH - 2 })))).toBe('open');
    expect(fate(opens('busy', work(16)))).toBe('open');
    expect(bench.refusals()).toEqual(['inbox malformed', 'inbox refused']);
    const false_ = opens('false', proof(1));
    expect(fate(false_)).toBe('open');
    judge(false);
    expect(bench.refusals()).toEqual(['inbox refused']);
    expect(fate(false_)).toBe('open');
  });
});

describe('work', () => {
  beforeEach(() => begin('enforce'));

  it('is asked of who shows nothing, and more with each place that is taken', () => {
    const plain = opens('one');
    expect([fate(plain), asked(plain)]).toEqual(['waits', 10]);
    opens('one', work(10), plain);
    expect(isOpen(plain)).toBe(true);
    for (const [name, bits] of [
      ['two', 13],
      ['three', 16],
    ] as const) {
      const next = opens(name);
      expect(asked(next)).toBe(bits);
      opens(name, work(bits), next);
    }
    expect(asked(opens('four'))).toBe(19);
  });

  it('is of use for this exit, tag and epoch, or the one before', () => {
    const wrong = [
      work(10, { exit: idOf('elsewhere') }),
      work(10, { tag: seed('other').slice(0, 16) }),
      work(10, { epoch: EPOCH - 2 }),
      work(10, { epoch: EPOCH + 1 }),
    ];
    for (const ticket of wrong) {
      const on = opens('one', ticket);
      expect([fate(on), asked(on)]).toEqual(['waits', 10]);
    }
    expect(fate(opens('one', work(10, { epoch: EPOCH - 1 })))).toBe('open');
    expect(fate(opens('two', work(13)))).toBe('open');
  });

  it('does that was asked of a circuit, though more is asked by now', () => {
    const early = opens('early');
    expect(asked(early)).toBe(10);
    opens('other', work(10));
    opens('another', work(13));
    const late = opens('late', work(10));
    expect(asked(late)).toBe(16);
    opens('early', work(10), early);
    expect(fate(early)).toBe('open');
  });

  it('renews a lease once', () => {
    const on = opens('one', work(10));
    expect(on.of(relayCommand.INBOX_OPENED)).toHaveLength(1);
    opens('one', work(10), on);
    expect([on.of(relayCommand.INBOX_OPENED).length, asked(on)]).toEqual([1, 13]);
    bench.pass(EPOCH_MS / 2);
    opens('one', work(13, { from: 300_000 }), on);
    expect(on.of(relayCommand.INBOX_OPENED)).toHaveLength(2);
    bench.pass(EPOCH_MS / 2 + 1000);
    opens('one', undefined, on);
    expect(on.of(relayCommand.INBOX_OPENED)).toHaveLength(3);
  });
});

describe('a lost circuit', () => {
  beforeEach(() => begin('enforce'));

  it('is replaced by signature alone, which lengthens no lease', () => {
    const first = opens('one', work(10));
    bench.pass(EPOCH_MS - 60_000);
    lose(first);
    const again = opens('one');
    expect([fate(again), asked(again)]).toEqual(['open', undefined]);
    bench.pass(59_000);
    lose(again);
    const third = opens('one');
    expect(fate(third)).toBe('open');
    bench.pass(2_000);
    lose(third);
    const late = opens('one');
    expect([fate(late), asked(late)]).toEqual(['waits', 10]);
  });
});

describe('a proof', () => {
  beforeEach(() => begin('enforce'));

  it('lets in once it is checked, for one tag', () => {
    const on = opens('one', proof(5));
    expect(fate(on)).toBe('waits');
    const [check] = checks();
    expect(check?.claim).toEqual({
      nullifier: 5n,
      root: tree.root,
      epoch: PROVED,
      scope: ticketScope(bench.keys.id),
      threshold: 3,
      signalHash: ticketSignal(bench.keys.id, on.inbox(seed('one'))),
    });
    // The second INBOX_OPEN came before the answer to the first.
    expect(on.destroyed).toBe('unexpected');
    const again = opens('one', proof(5));
    judge(true);
    expect(fate(again)).toBe('waits');
    judge(true);
    expect(fate(again)).toBe('open');
    expect(fate(opens('two', proof(5)))).toBe('replayed');
    lose(again);
    const renewed = opens('one', proof(5));
    judge(true);
    expect(fate(renewed)).toBe('open');
  });

  it('that two tags show at once is the first one’s', () => {
    const [one, two] = [opens('one', proof(5)), opens('two', proof(5))];
    judge(true);
    judge(true);
    expect([fate(one), fate(two)]).toEqual(['open', 'replayed']);
  });

  it('is refused when it is false, and when nobody can tell within ten seconds', () => {
    const on = opens('one', proof(5));
    judge(false);
    expect(fate(on)).toBe('refused');
    const slow = opens('one', proof(5));
    bench.pass(10_000);
    expect(fate(slow)).toBe('refused');
    // And it was not used by that.
    const two = opens('two', proof(5));
    bench.others.splice(0, bench.others.length - 1);
    judge(true);
    expect(fate(two)).toBe('open');
  });

  it('of a threshold that is no tier is refused, and of an unknown epoch asked for work', () => {
    expect(fate(opens('one', proof(1, { threshold: 4 })))).toBe('malformed');
    for (const epoch of [0, PROVED - 1, PROVED + 1, EPOCH + 5]) {
      const on = opens('one', proof(1, { epoch }));
      expect([fate(on), asked(on)]).toEqual(['waits', 10]);
    }
    expect(checks()).toEqual([]);
  });

  it('is taken for some time after its epoch, under the root of that epoch', () => {
    bench.pass(EPOCH_MS);
    const next = { sequence: 9, time: bench.now, epoch: EPOCH + 1, contributionEpoch: EPOCH };
    tell('enforce', { ...next, contributionRoot: fieldBytes(9n) });
    const [old, fresh] = [opens('old', proof(1)), opens('fresh', proof(2, { epoch: EPOCH }))];
    expect(checks()[0]?.claim.root).toBe(tree.root);
    judge(true);
    expect(checks()[0]?.claim.root).toBe(9n);
    judge(true);
    expect([fate(old), fate(fresh)]).toEqual(['open', 'open']);
    bench.pass(EPOCH_MS / 6);
    const late = opens('late', proof(3));
    expect([fate(late), asked(late)]).toEqual(['waits', 16]);
  });

  it('waits its turn, with 32 others at most', () => {
    const waiting = Array.from({ length: 34 }, (_, i) => opens(`n${String(i)}`, proof(1 + i)));
    expect(checks()).toHaveLength(1);
    expect(waiting.map(fate).indexOf('too-many')).toBe(33);
    lose(waiting[1] as RawCircuit);
    // Nobody waits for the answer to one of them any more.
    for (let i = 0; i < 32; i++) judge(false);
    bench.pass(100);
    expect(checks()).toEqual([]);
    expect(fate(waiting[32] as RawCircuit)).toBe('refused');
  });
});

describe('a full exit', () => {
  let holders: RawCircuit[];
  /** They were asked for little work, before the places were taken. */
  let early: RawCircuit[];
  beforeEach(() => {
    begin('enforce');
    early = Array.from({ length: 66 }, () => opens('worker'));
    holders = fill();
    expect(holders.map(fate)).toEqual(['open', 'open', 'open', 'open']);
  });

  const works = (i: number, name = 'worker'): RawCircuit => opens(name, work(10), early[i]);

  it('keeps the last quarter for proofs', () => {
    leave(holders[3] as RawCircuit);
    const worker = works(0);
    expect(fate(worker)).toBe('waits');
    expect(fate(proves(7))).toBe('open');
    expect(fate(worker)).toBe('waits');
  });

  it('gives a free place to a proof that came later than work', () => {
    const worker = works(0);
    const prover = proves(7);
    expect([fate(worker), fate(prover)]).toEqual(['waits', 'waits']);
    leave(holders[0] as RawCircuit);
    expect([fate(worker), fate(prover)]).toEqual(['waits', 'open']);
    // A lost circuit frees nothing, a lease that ends does.
    lose(holders[1] as RawCircuit);
    bench.pass(1000);
    expect(fate(worker)).toBe('waits');
    leave(holders[2] as RawCircuit);
    leave(holders[3] as RawCircuit);
    expect(fate(worker)).toBe('open');
    expect(bench.faults).toEqual([]);
  });

  it('gives a place whose lease ends to who waits for it', () => {
    bench.pass(EPOCH_MS - 10_000);
    const prover = proves(7);
    expect(fate(prover)).toBe('waits');
    bench.pass(10_100);
    expect(fate(prover)).toBe('open');
  });

  it('lets nobody wait over thirty seconds, nor who is gone', () => {
    const [worker, gone] = [works(0), works(1, 'gone')];
    bench.pass(15_000);
    lose(gone);
    bench.pass(14_000);
    expect(fate(worker)).toBe('waits');
    bench.pass(1_100);
    expect(fate(worker)).toBe('too-many');
    expect(bench.node.sizes).toMatchObject({ inboxes: 4, waiting: 0 });
  });

  it('lets 64 wait, and a proof in place of the newest work', () => {
    const crowd = Array.from({ length: 64 }, (_, i) => works(i));
    expect([bench.node.sizes.waiting, new Set(crowd.map(fate))]).toEqual([64, new Set(['waits'])]);
    expect(fate(works(64))).toBe('too-many');
    expect(fate(proves(7))).toBe('waits');
    expect(crowd.slice(61).map(fate)).toEqual(['waits', 'waits', 'too-many']);
    expect(bench.node.sizes.waiting).toBe(64);
  });

  it('renews the leases of those that are in', () => {
    const [, , , prover] = holders as [RawCircuit, RawCircuit, RawCircuit, RawCircuit];
    opens('one', work(10), early[0]);
    expect(asked(early[0] as RawCircuit)).toBe(10);
    opens('one', work(10, { from: 5000 }), early[0]);
    expect(isOpen(early[0] as RawCircuit)).toBe(true);
    opens('proof 201', proof(201), prover);
    judge(true);
    expect(prover.of(relayCommand.INBOX_OPENED)).toHaveLength(2);
  });
});

describe('a real proof', { timeout: 60_000 }, () => {
  it('opens the inbox that it was made for, at its exit', async () => {
    begin('enforce');
    const [verifier, prover] = [new Verifier(), await openProver()];
    const index = 5;
    const prove = async (exit: NodeId, tag: Uint8Array): Promise<TicketOf> => {
      const bound = { scope: ticketScope(exit), signalHash: ticketSignal(exit, tag) };
      const threshold = entries[index]?.score ?? 0;
      const claim = { root: tree.root, epoch: PROVED, threshold, ...bound };
      const made = await prover.prove(claim, holdingAt(index));
      return () => encodeTicket({ type: 'proof', epoch: PROVED, threshold, ...made });
    };
    const check = (): void => {
      const [{ claim, proof: given }] = checks() as [Verify];
      judge(verifier.verify(given, claim));
    };
    const tag = circuit().inbox(seed('mine'));
    const [right, elsewhere] = [await prove(bench.keys.id, tag), await prove(idOf('elsewhere'), tag)];
    const [wrong, other, mine] = [opens('mine', elsewhere), opens('other', right), opens('mine', right)];
    for (let i = 0; i < 3; i++) check();
    expect([wrong, other, mine].map(fate)).toEqual(['refused', 'refused', 'open']);
  });
});

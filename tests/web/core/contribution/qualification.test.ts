import { describe, expect, it } from 'vitest';
import { encode } from '#shared/bytes/codec.ts';
import { leafOf } from '#shared/contribution/tags.ts';
import { rootOf } from '#shared/contribution/tree.ts';
import { responseCodec } from '#shared/directory/messages.ts';
import { integerOf } from '#shared/contribution/field.ts';
import { qualify } from '#web/core/contribution/qualification.ts';
import { Secrets, type Secret } from '#web/core/contribution/secrets.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { rngOf } from '#tests/shared/node/bench.ts';
import { idOf } from '#tests/support/sample-network.ts';
import { closedWith, EPOCH } from './fixture.ts';

const ports = { now: () => 0, later: (run: () => void): void => void setImmediate(run) };

const secretsOf = async (...nodes: string[]): Promise<Secret[]> => {
  const secrets = new Secrets(memoryStore(), rngOf(6), []);
  for (const name of nodes) await secrets.make(EPOCH, idOf(name));
  return secrets.of(EPOCH);
};

const qualifyBy = (
  closed: { root: Uint8Array },
  lists: [Uint8Array, Uint8Array],
  secrets: readonly Secret[],
) =>
  qualify({ fetchTwice: () => Promise.resolve(lists) }, ports, { epoch: EPOCH, root: closed.root }, secrets);

describe('qualification', () => {
  it('is to stand in the list among enough others', async () => {
    const [own] = (await secretsOf('me')) as [Secret];
    const closed = closedWith(8, [{ commitment: own.commitment, score: 9 }]);
    const verdict = await qualifyBy(closed, [closed.leaves, closed.leaves], [own]);
    if (verdict.kind !== 'qualified') throw new Error(verdict.kind);
    const { holding, root } = verdict.qualified;
    expect(root).toBe(integerOf(closed.root));
    expect(holding).toMatchObject({ secret: own.secret, score: 9 });
    const leaf = leafOf(own.commitment, 9);
    expect(rootOf(leaf, holding.index, holding.siblings)).toBe(root);
  });

  it('of two nodes that one user was, takes the one that did more', async () => {
    const [one, other] = (await secretsOf('me', 'me later')) as [Secret, Secret];
    const closed = closedWith(8, [
      { commitment: one.commitment, score: 3 },
      { commitment: other.commitment, score: 6 },
    ]);
    const verdict = await qualifyBy(closed, [closed.leaves, closed.leaves], [one, other]);
    expect(verdict).toMatchObject({ qualified: { holding: { secret: other.secret } } });
  });

  it('fails for who is not in it', async () => {
    const closed = closedWith(8, []);
    const verdict = await qualifyBy(closed, [closed.leaves, closed.leaves], await secretsOf('me'));
    expect(verdict).toEqual({ kind: 'not-enough' });
  });

  it('fails where the proof would point at its maker', async () => {
    const [own] = (await secretsOf('me')) as [Secret];
    const entry = { commitment: own.commitment, score: 3 };
    const small = closedWith(6, [entry]);
    expect(await qualifyBy(small, [small.leaves, small.leaves], [own])).toEqual({
      kind: 'crowd-too-small',
      crowd: 7,
    });
    const enough = closedWith(7, [entry]);
    expect(await qualifyBy(enough, [enough.leaves, enough.leaves], [own])).toMatchObject({
      kind: 'qualified',
    });
  });

  it('is refused by a client that is shown another list than others', async () => {
    const [own] = (await secretsOf('me')) as [Secret];
    const entry = { commitment: own.commitment, score: 3 };
    const [everybodys, marked] = [closedWith(8, [entry]), closedWith(9, [entry])];
    await expect(qualifyBy(everybodys, [everybodys.leaves, marked.leaves], [own])).rejects.toMatchObject({
      code: 'equivocation',
    });
    await expect(qualifyBy(everybodys, [marked.leaves, marked.leaves], [own])).rejects.toMatchObject({
      code: 'equivocation',
    });
  });

  it('says what the directory says', async () => {
    const closed = closedWith(8, []);
    const gone = encode(responseCodec, { type: 'error', code: 'not-found' });
    await expect(qualifyBy(closed, [gone, gone], [])).rejects.toMatchObject({ code: 'not-found' });
    const other = encode(responseCodec, { type: 'ok' });
    await expect(qualifyBy(closed, [other, other], [])).rejects.toMatchObject({ code: 'unexpected' });
  });
});

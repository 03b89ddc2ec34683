import { decode } from '#shared/bytes/codec.ts';
import { equal } from '#shared/bytes/bytes.ts';
import { crowdOf, indexOf } from '#shared/contribution/entries.ts';
import { fieldBytes } from '#shared/contribution/field.ts';
import type { Holding } from '#shared/contribution/statement.ts';
import { SMALLEST_CROWD, TIERS } from '#shared/contribution/tiers.ts';
import type { Entry } from '#shared/contribution/tree.ts';
import { responseCodec } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { rebuild } from './rebuild.ts';
import type { Secret } from './secrets.ts';

/** What every proof shows, and no more: a higher threshold would tell its maker from others. */
export const THRESHOLD = TIERS[0];

/** The closed epoch as the consensus has it. */
export type Closed = { readonly epoch: number; readonly root: Uint8Array };

/** What a proof of a closed epoch is made from. */
export type Qualified = { readonly epoch: number; readonly root: bigint; readonly holding: Holding };

export type Verdict =
  | { kind: 'qualified'; qualified: Qualified }
  | { kind: 'not-enough' }
  | { kind: 'crowd-too-small'; crowd: number };

/**
 * Looks for one of these secrets' commitments among all who qualified. Rejects with RemoteError: what the directory
 * answered, or `equivocation` where it does not show everybody the same list: then a proof could tell who made it.
 */
export const qualify = async (
  network: Pick<Network, 'fetchTwice'>,
  ports: Pick<Host['ports'], 'now' | 'later'>,
  { epoch, root }: Closed,
  secrets: readonly Secret[],
): Promise<Verdict> => {
  const entries = await fetchEntries(network, epoch);
  const tree = await rebuild(entries, ports);
  if (!equal(fieldBytes(tree.root), root))
    throw new RemoteError('equivocation', 'the list of an epoch is not the one that the consensus names');
  const own = foremost(entries, secrets);
  if (!own) return { kind: 'not-enough' };
  const crowd = crowdOf(entries, THRESHOLD);
  if (crowd < SMALLEST_CROWD) return { kind: 'crowd-too-small', crowd };
  const { index, secret, score } = own;
  const holding = { secret, score, index, siblings: tree.siblings(index) };
  return { kind: 'qualified', qualified: { epoch, root: tree.root, holding } };
};

const fetchEntries = async (network: Pick<Network, 'fetchTwice'>, epoch: number): Promise<Entry[]> => {
  const [first, second] = await network.fetchTwice('leaves', { type: 'leaves', epoch });
  if (!equal(first, second)) throw new RemoteError('equivocation', 'two lists of one epoch');
  const response = decode(responseCodec, first);
  if (response.type === 'error') throw new RemoteError(response.code);
  if (response.type !== 'leaves') throw new RemoteError('unexpected', 'not a list of leaves');
  return response.entries;
};

/** Of two nodes that one user was, the one that did more. */
const foremost = (
  entries: readonly Entry[],
  secrets: readonly Secret[],
): { index: number; secret: bigint; score: number } | undefined =>
  secrets
    .flatMap(({ secret, commitment }) => {
      const index = indexOf(entries, commitment);
      const score = index === undefined ? undefined : entries[index]?.score;
      return index === undefined || score === undefined ? [] : [{ index, secret, score }];
    })
    .sort((a, b) => b.score - a.score)[0];

import { cellCommand } from '#shared/cell/commands.ts';
import type { TraceEvent } from '#shared/node/output.ts';

/** What one node traced; `node` is its id, or null for a user who does not relay. */
export type Traced = { node: string | null; traces: TraceEvent[] };

/** One link of the way of a conversation's cells: who sent on it, under which circuit, how many, of which lengths. */
export type Stretch = { from: string | null; to: string | null; cells: number; used: number[] };

type Passage = { link: number; circuit: number };

const isRelay = ({ command }: TraceEvent): boolean =>
  command === cellCommand.RELAY || command === cellCommand.RELAY_EARLY;

const same = (event: TraceEvent, { link, circuit }: Passage): boolean =>
  event.link === link && event.circuit === circuit;

type Count<T> = { one: T; count: number };

const countsOf = <T>(all: T[], key: (one: T) => string): Count<T>[] => {
  const counts = new Map<string, Count<T>>();
  for (const one of all) {
    const known = counts.get(key(one));
    counts.set(key(one), { one: known?.one ?? one, count: (known?.count ?? 0) + 1 });
  }
  return [...counts.values()];
};

const mostOf = <T>(counts: Count<T>[]): number => Math.max(0, ...counts.map(({ count }) => count));

const keyOf = ({ link, circuit }: Passage): string => `${String(link)}/${String(circuit)}`;

/** The circuit on which a node sent the most cells: of its own ones, those to the directory may be busy as well. */
const busiest = (traces: TraceEvent[]): Passage | undefined => {
  const counts = countsOf(
    traces.filter((event) => event.sent && isRelay(event)),
    keyOf,
  );
  return counts.find(({ count }) => count === mostOf(counts))?.one;
};

/**
 * Where a relay sent what came in by `inward`: the cell that it sends in answer to one it received comes next. Of what did so
 * about as often, what came first: a node that stands on a way twice passes as much at its later place, and later.
 */
const onward = (traces: TraceEvent[], inward: Passage): Passage | undefined => {
  const next = traces.flatMap((event, i) => {
    const after = traces[i + 1];
    if (event.sent || !isRelay(event) || !same(event, inward)) return [];
    return after?.sent && isRelay(after) && !same(after, inward) ? [after] : [];
  });
  const counts = countsOf(next, keyOf);
  return counts.find(({ count }) => 2 * count > mostOf(counts))?.one;
};

/**
 * Follows the cells that `sender` sent most of, link by link and by nothing but what each node itself traced, until
 * they come to one who is no node.
 */
export const follow = (sender: Traced, others: Traced[]): Stretch[] => {
  const stretches: Stretch[] = [];
  let at = sender;
  let way = busiest(sender.traces);
  while (way) {
    const out = at.traces.filter((event) => event.sent && isRelay(event) && same(event, way as Passage));
    const { circuit } = way;
    // Both ends of a link know a circuit on it by one number.
    const next = others.find(
      (other) =>
        other !== at &&
        other.traces.some((event) => !event.sent && isRelay(event) && event.circuit === circuit),
    );
    const used = [...new Set(out.map((event) => event.used))];
    stretches.push({ from: at.node, to: next?.node ?? null, cells: out.length, used });
    if (!next || next.node === null) break;
    const inward = next.traces.find((event) => !event.sent && isRelay(event) && event.circuit === circuit);
    way = inward && onward(next.traces, inward);
    at = next;
  }
  return stretches;
};

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

/** Of what happened most often, with how often that was. */
const mostOften = <T>(all: T[], key: (one: T) => string): { one: T; count: number } | undefined => {
  const counts = new Map<string, { one: T; count: number }>();
  for (const one of all) {
    const known = counts.get(key(one));
    counts.set(key(one), { one, count: (known?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0];
};

const keyOf = ({ link, circuit }: Passage): string => `${String(link)}/${String(circuit)}`;

/** The circuit on which a node sent the most cells. */
const busiest = (traces: TraceEvent[]): Passage | undefined =>
  mostOften(
    traces.filter((event) => event.sent && isRelay(event)),
    keyOf,
  )?.one;

/** Where a relay sent what came in by `inward`: the cell that it sends in answer to one it received comes next. */
const onward = (traces: TraceEvent[], inward: Passage): Passage | undefined => {
  const next = traces.flatMap((event, i) => {
    const after = traces[i + 1];
    if (event.sent || !isRelay(event) || !same(event, inward)) return [];
    return after?.sent && isRelay(after) && !same(after, inward) ? [after] : [];
  });
  return mostOften(next, keyOf)?.one;
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

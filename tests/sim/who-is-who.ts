import { hex } from '#shared/bytes/bytes.ts';
import { decode } from '#shared/bytes/codec.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { readDescriptor } from '#shared/directory/descriptor.ts';
import { requestCodec, responseCodec, type DirectoryRequest } from '#shared/directory/messages.ts';
import type { Handle } from '#shared/node/input.ts';
import { nodeId, type Millis, type NodeId } from '#shared/units.ts';
import type { Sight } from './directory.ts';

/** Things that happen within so long of each other are taken to belong together. */
export const WINDOW_MS: Millis = 5_000;

/** A connection: whoever is at its other end, by IP address and port. */
type Place = {
  from: string;
  cameAt: Millis;
  /** Requests on the circuits with which its connections began: they are its own. */
  asked: Millis[];
  /** Nodes that it signalled to without a name. */
  dialled: Set<NodeId>;
  /** When circuits began that it carries for somebody. */
  carried: Millis[];
};

type Asked = { at: Millis; from: string; circuit: Handle; request: DirectoryRequest };

/** A node, by all circuits on which it spoke in its own name. */
type Named = {
  id: NodeId;
  registeredAt: Millis;
  asked: Asked[];
  /** First requests of its circuits. */
  began: Asked[];
  /** Others with which it exchanged signals in its own name. */
  signalled: Set<NodeId>;
  exitAt: Millis;
};

/** All of a recording that a directory can take apart: who asked what where, and what became of it. */
export class Dossier {
  readonly places = new Map<string, Place>();
  readonly named = new Map<NodeId, Named>();
  readonly asked: Asked[] = [];
  /** Circuits with which a connection began. */
  readonly own = new Set<Handle>();
  readonly #seen = new Set<string>();
  readonly #exitAt = new Map<NodeId, Millis>();
  readonly #fresh = new Set<string>();

  constructor(sights: readonly Sight[]) {
    for (const sight of sights) this.#take(sight);
    const byCircuit = new Map<Handle, Asked[]>();
    for (const asked of this.asked)
      byCircuit.set(asked.circuit, [...(byCircuit.get(asked.circuit) ?? []), asked]);
    for (const asked of byCircuit.values()) this.#name(asked);
    for (const { id, asked, signalled } of this.named.values()) {
      for (const { request } of asked) {
        if (request.type !== 'signal' || request.to.length !== 32) continue;
        const to = nodeId(request.to);
        signalled.add(to);
        this.named.get(to)?.signalled.add(id);
      }
    }
  }

  #take(sight: Sight): void {
    const { at, from } = sight;
    const place = this.places.get(from) ?? {
      ...{ from, cameAt: at, asked: [], dialled: new Set<NodeId>(), carried: [] },
    };
    this.places.set(from, place);
    if (sight.kind === 'connected') this.#fresh.add(from);
    else if (sight.kind === 'cell') this.#cell(place, sight);
    else if (sight.kind === 'answer') this.#answer(at, sight.body);
    else if (sight.kind === 'request') {
      // The first circuit on which anything is asked is that of the one who connected.
      if (this.#fresh.delete(from)) this.own.add(sight.circuit);
      const request = decode(requestCodec, sight.body);
      this.asked.push({ at, from, circuit: sight.circuit, request });
      if (!this.own.has(sight.circuit)) return;
      place.asked.push(at);
      if (request.type === 'signal' && request.to.length === 32) place.dialled.add(nodeId(request.to));
    }
  }

  #cell({ from, carried }: Place, { at, sent, command, circuit }: Extract<Sight, { kind: 'cell' }>): void {
    const name = `${from} ${String(circuit)}`;
    if (sent || command !== cellCommand.CREATE || this.#seen.has(name)) return;
    this.#seen.add(name);
    if (!this.#fresh.has(from)) carried.push(at);
  }

  #answer(at: Millis, body: Uint8Array): void {
    const answer = decode(responseCodec, body);
    if (answer.type !== 'consensus') return;
    // Version, sequence and time.
    const name = hex(answer.bytes.subarray(0, 17));
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    for (const { id, exit } of readConsensus(answer.bytes).verify({}).nodes)
      if (exit && !this.#exitAt.has(id)) this.#exitAt.set(id, at);
  }

  /** The circuit is that of the node which registers or beats on it. */
  #name(asked: Asked[]): void {
    const [first] = asked;
    for (const { at, request } of asked) {
      const id =
        request.type === 'register'
          ? readDescriptor(request.descriptor).verify({ now: at }).id
          : request.type === 'heartbeat'
            ? request.node
            : undefined;
      if (id === undefined || !first) continue;
      const named = this.named.get(id) ?? {
        ...{ id, registeredAt: at, asked: [], began: [], signalled: new Set<NodeId>() },
        exitAt: this.#exitAt.get(id) ?? Infinity,
      };
      this.named.set(id, named);
      named.asked.push(...asked);
      named.began.push(first);
      return;
    }
  }
}

/** In place of a probability of nothing: nobody can be quite sure. */
const IMPOSSIBLE = -8;
const SURE = 8;

const near = (times: readonly Millis[], at: Millis): number =>
  times.filter((time) => Math.abs(time - at) <= WINDOW_MS / 2).length;

/** How far each lies above the others, in standard deviations; what is not remarkable counts as nothing. */
const remarkable = (values: readonly number[]): number[] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.map((value) => {
    const z = deviation === 0 ? 0 : (value - mean) / deviation;
    return z > 2.5 ? z : 0;
  });
};

/** Each row and each column comes to one: every connection has one node, and every node one connection. */
const balanced = (weights: number[][]): number[][] => {
  let rows = weights;
  for (let round = 0; round < 100; round++) {
    rows = rows.map((row) => row.map((value) => value / row.reduce((sum, each) => sum + each, 1e-30)));
    const sums =
      rows[0]?.map((_, column) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 1e-30)) ?? [];
    rows = rows.map((row) => row.map((value, column) => value / (sums[column] ?? 1)));
  }
  return rows;
};

/** What speaks for a node being behind a connection, as a logarithm of odds. */
const evidence = (dossier: Dossier, place: Place, node: Named, delayMs: Millis): number => {
  let odds = 0;
  for (const { from, circuit } of node.asked.filter(({ request }) => request.type === 'register')) {
    const here = from === place.from;
    // Nobody is the exit of their own circuit.
    if (here) odds += dossier.own.has(circuit) ? SURE : IMPOSSIBLE;
  }
  const wait = node.registeredAt - place.cameAt;
  if (wait < 0 || wait > delayMs + 30_000) odds += IMPOSSIBLE;
  for (const { at } of node.began) {
    const after = at - place.cameAt;
    if (after >= 0 && after < WINDOW_MS) odds += 3 - after / 2_500;
  }
  // Nobody is their own guard; and where guards are no exits, an exit rules out who has it as a guard.
  if (place.dialled.has(node.id)) odds += IMPOSSIBLE;
  for (const { from } of node.began) {
    const exit = [...dossier.named.values()].find((each) =>
      each.began.some((began) => began.from === from && dossier.own.has(began.circuit)),
    );
    if (exit && place.dialled.has(exit.id)) odds -= 2;
  }
  // Who is linked already is not signalled to.
  const others = [...dossier.named.keys()].filter((id) => id !== node.id);
  const missing = new Set(others.filter((id) => !node.signalled.has(id)));
  if (missing.size > 0 && missing.size < others.length)
    for (const id of place.dialled) odds += missing.has(id) ? 2 : -2;
  // It carries nothing to the directory before it is an exit.
  const first = Math.min(...place.carried);
  if (first < node.exitAt) odds += IMPOSSIBLE / 2;
  return odds;
};

/** What ceases, or begins, when a node registers. */
const turns = ({ asked }: Place, { registeredAt: at }: Named): number => {
  const span = 6 * WINDOW_MS;
  const before = asked.filter((time) => time < at && time >= at - span).length;
  const after = asked.filter((time) => time >= at && time < at + span).length;
  return (before >= 3 && after === 0) || (after >= 3 && before === 0) ? 3 : 0;
};

/** The likelihood of each node behind each connection. */
const likelihood = (dossier: Dossier, places: Place[], nodes: Named[], delayMs: Millis): number[][] => {
  const odds = places.map((place) =>
    nodes.map((node) => evidence(dossier, place, node, delayMs) + turns(place, node)),
  );
  nodes.forEach((node, column) => {
    const kinds = [node.began, node.asked].flatMap((asked) => [
      places.map((place) => asked.reduce((sum, { at }) => sum + near(place.asked, at), 0)),
      places.map((place) => asked.reduce((sum, { at }) => sum + near(place.carried, at), 0)),
    ]);
    for (const counts of kinds)
      remarkable(counts).forEach((z, row) => ((odds[row] as number[])[column]! += z / 2));
  });
  return balanced(odds.map((row) => row.map(Math.exp)));
};

/** The likelihood of each connection being the user's who publishes under this key. */
const placesOf = (dossier: Dossier, places: Place[], key: string): number[] => {
  const published = dossier.asked.filter(
    ({ request }) => request.type === 'publish' && hex(request.blindedKey) === key,
  );
  const [first] = published;
  const odds = places.map((place) => {
    const wait = (first?.at ?? 0) - place.cameAt;
    let sum = wait < 0 ? IMPOSSIBLE : Math.max(IMPOSSIBLE, -wait / WINDOW_MS);
    for (const { from, circuit } of published)
      if (from === place.from) sum += dossier.own.has(circuit) ? SURE : IMPOSSIBLE;
    return Math.exp(sum);
  });
  const all = odds.reduce((sum, value) => sum + value, 0);
  return odds.map((value) => value / all);
};

const best = (rng: Rng, values: readonly number[]): number => {
  // Among equals chance decides.
  const jittered = values.map((value) => value * (1 + (rng(1)[0] ?? 0) * 1e-6));
  return jittered.indexOf(Math.max(...jittered));
};

export type Guesses = { nodeOf: Map<string, NodeId>; nodeOfUser: Map<string, NodeId> };

/**
 * Joins all that a directory recorded, and guesses: which of `nodes` is behind each of `places`, and at which each of
 * `users` sits.
 */
export const guess = (
  sights: readonly Sight[],
  { places, nodes, users, delayMs }: { places: string[]; nodes: NodeId[]; users: string[]; delayMs: Millis },
  rng: Rng,
): Guesses => {
  const dossier = new Dossier(sights);
  const there = places.map((from) => dossier.places.get(from) as Place);
  const named = nodes.map((id) => dossier.named.get(id) as Named);
  const matrix = likelihood(dossier, there, named, delayMs);
  const nodeOf = new Map(places.map((from, row) => [from, nodes[best(rng, matrix[row] ?? [])] as NodeId]));
  const nodeOfUser = new Map(
    users.map((key) => {
      const at = placesOf(dossier, there, key);
      const published = dossier.asked.filter(
        ({ request }) => request.type === 'publish' && hex(request.blindedKey) === key,
      );
      const together = remarkable(
        named.map(({ began }) =>
          published.reduce(
            (sum, { at }) =>
              sum +
              near(
                began.map((each) => each.at),
                at,
              ),
            0,
          ),
        ),
      );
      const odds = named.map(({ asked }, column) => {
        const byPlace = matrix.reduce((sum, row, i) => sum + (at[i] ?? 0) * (row[column] ?? 0), 0);
        const same = asked.some(({ circuit }) => published.some((each) => each.circuit === circuit));
        return byPlace * Math.exp((together[column] ?? 0) / 2 + (same ? SURE : 0));
      });
      return [key, nodes[best(rng, odds)] as NodeId];
    }),
  );
  return { nodeOf, nodeOfUser };
};

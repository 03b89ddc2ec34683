/** A `ClientApi` that answers from memory, for the screens' tests and their demo page. It reaches no network. */
import type {
  CircuitView,
  ClientApi,
  ClientEvent,
  ClientState,
  ConversationView,
  LinkView,
  NodeView,
} from '#web/api.ts';
import type { HeartbeatView, HelpingView } from '#web/api-helping.ts';
import type { Probe } from '#web/ui/view/check.ts';
import { keepingCommands, peopleCommands, peopleState } from '#tests/support/fake-people.ts';
import { circleView, FakeThread } from '#tests/support/fake-thread.ts';

/**
 * `busy` has chats, links and circuits; `empty` is a first visit; `quiet` has started and knows nobody;
 * `people` has requests, groups and whoever else there may be, `thread` every kind of message, `long` ten thousand of them.
 */
export type Scene =
  | (
      | 'busy'
      | 'people'
      | 'thread'
      | 'long'
      | 'empty'
      | 'quiet'
      | 'building'
      | 'lost'
      | 'alone'
      | 'offline'
      | 'unproved'
    )
  | ('slow' | 'renewing' | 'paused' | 'blocked');

type Listener = (event: ClientEvent) => void;

const minute = 60_000;
const names = [
  'amber-finch',
  'slow-lichen',
  'pale-harbor',
  'quiet-cedar',
  'north-reed',
  'dry-comet',
  'wide-ember',
  'low-heron',
];
for (const first of ['blue', 'calm', 'deep', 'early', 'far', 'grey'])
  for (const second of ['anchor', 'birch', 'dune', 'fern']) names.push(`${first}-${second}`);

/** 64 hex characters that look spread out, the same for the same number. */
function idOf(n: number): string {
  let word = (n + 1) * 0x9e3779b1;
  let id = '';
  while (id.length < 64) {
    word = Math.imul(word ^ (word >>> 15), 0x85ebca6b) >>> 0;
    id += word.toString(16).padStart(8, '0');
  }
  return id;
}

const link = (n: number, rest: Partial<LinkView> = {}): LinkView => ({
  id: String(n),
  node: idOf(n),
  name: names[n]!,
  state: 'open',
  kind: 'direct',
  rttMs: 30 + 13 * n,
  guard: false,
  ownCircuits: 0,
  carriedCircuits: 0,
  ...rest,
});

const roles = ['guard', 'middle', 'exit', 'meeting-point'] as const;

function circuit(id: string, nodes: number[], rest: Partial<CircuitView> = {}): CircuitView {
  return {
    id,
    purpose: 'conversation',
    conversation: null,
    state: 'open',
    hops: nodes.map((n, i) => ({ node: idOf(n), name: names[n]!, role: roles[i]!, state: 'open' })),
    openedAt: Date.now() - 4 * minute - 12_000,
    renewsAt: Date.now() + 5 * minute + 48_000,
    rttMs: 412,
    reason: null,
    ...rest,
  };
}

const addressOf = (n: number): string => `${idOf(n + 90)}`.replace(/[0189]/g, 'q').slice(0, 56);

function conversation(id: string, n: number, rest: Partial<ConversationView>): ConversationView {
  return {
    id,
    ...({ kind: 'contact', blocked: false, verified: 'no' } as const),
    ...{ members: [], former: [], picture: null, timerMs: null, draft: '' },
    name: id,
    address: addressOf(n),
    state: 'active',
    reachable: false,
    waiting: null,
    unread: 0,
    leaving: 0,
    last: null,
    sent: 0,
    resent: 0,
    ...rest,
  };
}

const epochMs = 60 * minute;

/** Some days of carrying, a proof under way. */
export function helpingState(): HelpingView {
  const now = Date.now();
  const epoch = Math.floor(now / epochMs);
  const span = (n: number) => ({ epoch: n, startsAt: n * epochMs, endsAt: (n + 1) * epochMs });
  const outcome = (n: number): HeartbeatView['outcome'] =>
    n === 17 || n === 18 ? 'missed' : n === 31 ? 'late' : 'answered';
  const day = (ago: number): string => new Intl.DateTimeFormat('sv-SE').format(now - ago * 24 * epochMs);
  return {
    policy: 'enforce',
    epoch: span(epoch),
    heartbeats: Array.from({ length: 52 }, (_, n) => ({ at: now - (52 - n) * 30_000, outcome: outcome(n) })),
    carried: 2,
    days: [58, 80, 37, 102, 131, 108, 180, 150, 70, 60, 118, 205, 230, 164].map((circuits, at) => ({
      day: day(13 - at),
      circuits,
      bytes: circuits * 87_000,
    })),
    audit: { epoch: span(epoch - 1), tested: 12, passed: 11, slots: 12, tier: 9, fault: 'late' },
    proof: { epoch: span(epoch - 1), stage: { kind: 'proving', fraction: 0.52 } },
    error: null,
    tokens: 21,
  };
}

function busyState(): ClientState {
  return {
    profile: { name: 'Alder', address: addressOf(0), started: true, picture: null, handle: null },
    settings: { relaying: true, readReceipts: false, cover: 'off', hideAddress: false },
    cover: { up: 0, down: 0 },
    status: { kind: 'ready', circuits: 3, neighbours: 6, carried: 2 },
    conversations: [
      conversation('Mira', 1, { reachable: true, sent: 1312, resent: 4 }),
      conversation('Kestrel', 2, { reachable: true, unread: 2 }),
      conversation('Ondine', 3, { state: 'requested', waiting: 'contact' }),
      conversation('Juniper', 4, { waiting: 'circuit' }),
    ],
    links: [
      link(0, { guard: true, ownCircuits: 3, rttMs: 38 }),
      link(7, { guard: true, ownCircuits: 1, rttMs: 64 }),
      link(1, { carriedCircuits: 2, rttMs: 91 }),
      link(5, { carriedCircuits: 1, rttMs: 77 }),
      { ...link(30), node: null, name: '', carriedCircuits: 1, rttMs: 120 },
      link(6, { state: 'connecting', rttMs: null }),
      { ...link(31), name: 'hg.example.org', kind: 'directory', rttMs: 22, ownCircuits: 1 },
    ],
    nodes: names.map((name, n): NodeView => ({
      node: idOf(n),
      name,
      guard: n % 3 === 0,
      exit: true,
      avoided: n === 11,
      self: n === 20,
    })),
    circuits: [
      circuit('c1', [0, 1, 2, 3], { conversation: 'Mira' }),
      circuit('c2', [7, 4, 12], { conversation: 'Kestrel', rttMs: 380 }),
      circuit('c3', [0, 9, 14], { purpose: 'inbox', rttMs: 300 }),
    ],
    node: { id: idOf(20), name: names[20]!, registered: true },
    consensusAt: Date.now() - 3 * minute,
    reach: { server: true, tries: 0, nextAt: null, mostNeighbours: null },
    relaying: {
      limits: {
        dayMegabytes: 500,
        kilobytesPerSecond: null,
        pauseOnBattery: true,
        pauseOnMetered: true,
        onlyVisible: false,
      },
      paused: null,
    },
    helping: helpingState(),
    keeping: { locked: false, phraseKept: false, serverBackup: null, error: null, moved: false },
  };
}

function sceneState(scene: Scene): ClientState {
  const state = busyState();
  if (scene === 'empty' || scene === 'quiet') {
    Object.assign(state, { conversations: [], circuits: [] });
    if (scene === 'empty') {
      state.profile = { name: '', address: null, started: false, picture: null, handle: null };
      state.status = { kind: 'finding-neighbours', have: 1, want: 3 };
      state.links = state.links.slice(-2);
    } else
      state.status = { kind: 'limited', why: 'few-nodes', nodes: 5, circuits: 2, neighbours: 3, carried: 0 };
  }
  if (scene === 'building' || scene === 'lost') {
    const [first] = state.circuits as [CircuitView];
    const old = circuit('c0', [0, 8, 10, 3], { conversation: 'Mira' });
    const hops = first.hops
      .slice(0, 2)
      .map((hop, i) => ({ ...hop, state: i === 1 ? ('building' as const) : hop.state }));
    const building: CircuitView = {
      ...first,
      state: 'building',
      openedAt: null,
      renewsAt: null,
      rttMs: null,
      hops,
    };
    const lost = old.hops.map((hop, i) => ({ ...hop, state: i === 1 ? ('lost' as const) : hop.state }));
    state.status = { kind: 'building-circuit', hop: 2, of: 3 };
    state.conversations[0] = { ...state.conversations[0]!, reachable: false, waiting: 'circuit' };
    state.circuits =
      scene === 'building'
        ? [building]
        : [{ ...old, state: 'closed', reason: 'link-lost', hops: lost }, building];
  }
  if (scene === 'alone' || scene === 'blocked') {
    state.links = [];
    state.circuits = [];
    state.status = { kind: 'finding-neighbours', have: 0, want: 3 };
    state.reach = { ...state.reach, tries: 3, nextAt: Date.now() + 12_000 };
  }
  if (scene === 'unproved') {
    const { audit, proof } = state.helping;
    state.helping = {
      ...state.helping,
      policy: 'observe',
      audit: audit && { ...audit, passed: 2, tier: null, fault: 'lost' },
      proof: { ...proof, stage: { kind: 'not-enough' } },
      error: { code: 'timeout', at: Date.now() - 5 * minute },
      tokens: 0,
    };
  }
  if (scene === 'thread') {
    const [mira, ...others] = state.conversations as [ConversationView, ...ConversationView[]];
    const timed = { ...mira, verified: 'yes' as const, timerMs: 24 * 60 * minute };
    state.conversations = [timed, circleView(mira), ...others];
  }
  if (scene === 'people') return peopleState(state);
  if (scene === 'offline') {
    state.status = { kind: 'offline' };
    state.reach = { ...state.reach, server: false, tries: 4, nextAt: Date.now() + 6000 };
  }
  if (scene === 'slow') state.circuits[0] = { ...state.circuits[0]!, rttMs: 1340 };
  if (scene === 'renewing')
    state.circuits.push(
      circuit('c9', [0, 13, 15], {
        ...({
          conversation: 'Mira',
          state: 'building',
          openedAt: null,
          renewsAt: null,
          rttMs: null,
        } as const),
      }),
    );
  if (scene === 'paused') state.relaying = { ...state.relaying, paused: 'day' };
  return state;
}

export class FakeClient {
  readonly api: ClientApi;
  readonly #listeners = new Set<Listener>();
  readonly thread: FakeThread;
  /** What the page tries by itself comes out well, but where WebRTC is what is blocked. */
  readonly probe: Probe;
  #state: ClientState;

  constructor(scene: Scene) {
    this.#state = sceneState(scene);
    this.thread = new FakeThread(this, scene);
    this.conversations((all) => all);
    this.api = this.#api();
    const blocked = scene === 'blocked';
    this.probe = {
      clockAhead: async () => (blocked ? -95_000 : 400),
      loopback: async () => (blocked ? 'absent' : 'ok'),
      ice: async () => (blocked ? { stun: true, turn: false } : { stun: null, turn: null }),
    };
  }

  readonly events = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Replaces parts of the state and tells of each. */
  patch(part: Partial<ClientState>): void {
    this.#state = { ...this.#state, ...part };
    for (const type of Object.keys(part) as (keyof ClientState)[]) {
      if (type === 'consensusAt') continue;
      if (type === 'nodes')
        this.emit({ type, nodes: this.#state.nodes, consensusAt: this.#state.consensusAt });
      else this.emit({ type, [type]: this.#state[type] } as ClientEvent);
    }
  }

  get state(): ClientState {
    return this.#state;
  }

  conversations(change: (all: ConversationView[]) => ConversationView[]): void {
    const withLast = change(this.#state.conversations).map((one) => ({
      ...one,
      last: this.thread.last(one.id),
    }));
    this.patch({ conversations: withLast });
  }

  #accept(): string {
    const id = 'Wren';
    this.conversations((all) => [conversation(id, 7, { state: 'requested', waiting: 'contact' }), ...all]);
    return id;
  }

  #connect(node: string): void {
    const known = this.#state.nodes.find((one) => one.node === node)!;
    const made = { ...link(0), id: node, node, name: known.name, state: 'connecting' as const, rttMs: null };
    this.patch({ links: [...this.#state.links, made] });
    const opened = { ...made, state: 'open' as const, rttMs: 55 };
    setTimeout(
      () => this.patch({ links: this.#state.links.map((l) => (l.node === node ? opened : l)) }),
      900,
    );
  }

  #api(): ClientApi {
    const profile = (part: Partial<ClientState['profile']>): void =>
      this.patch({ profile: { ...this.#state.profile, ...part } });
    const week = 7 * 24 * 60 * minute;
    return {
      ...({} as ClientApi),
      state: async () => this.#state,
      start: async ({ name }) => profile({ name, started: true, address: addressOf(0) }),
      setName: async (name) => profile({ name }),
      setRelaying: async (relaying) => this.patch({ settings: { ...this.#state.settings, relaying } }),
      ...peopleCommands(this, (name, part) => {
        this.conversations((all) => [conversation(name, 7, part), ...all]);
        return name;
      }),
      ...keepingCommands(this),
      previewInvite: async (link) => {
        if (link.includes('#i/'))
          return { address: addressOf(7), name: 'Wren', expiresAt: Date.now() + week };
        throw Object.assign(
          new Error('This is no Hourglass invite. Copy the whole link and paste it again.'),
          {
            code: 'bad-invite',
          },
        );
      },
      acceptInvite: async () => this.#accept(),
      ...this.thread.commands(),
      newCircuit: async () => undefined,
      connect: async (node) => this.#connect(node),
      disconnect: async (node) => this.patch({ links: this.#state.links.filter((l) => l.node !== node) }),
      setRelayLimits: async (limits) => this.patch({ relaying: { ...this.#state.relaying, limits } }),
      setSurroundings: async () => undefined,
      setMostNeighbours: async (mostNeighbours) =>
        this.patch({ reach: { ...this.#state.reach, mostNeighbours } }),
      lookAgain: async () => this.patch({ reach: { ...this.#state.reach, tries: 4, nextAt: null } }),
      avoid: async (node, on) =>
        this.patch({ nodes: this.#state.nodes.map((n) => (n.node === node ? { ...n, avoided: on } : n)) }),
      stop: async () => undefined,
    };
  }
}

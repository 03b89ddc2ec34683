/** A `ClientApi` that answers from memory, for the screens' tests and their demo page. It reaches no network. */
import type {
  CircuitView,
  ClientApi,
  ClientEvent,
  ClientState,
  ConversationView,
  HeartbeatView,
  HelpingView,
  LinkView,
  MessageState,
  MessageView,
  NodeView,
} from '#web/api.ts';

/** `busy` has chats, links and circuits; `empty` is a first visit; `quiet` has started and knows nobody. */
export type Scene = 'busy' | 'empty' | 'quiet' | 'building' | 'lost' | 'alone' | 'offline' | 'unproved';

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
    name: id,
    address: addressOf(n),
    state: 'active',
    reachable: false,
    waiting: null,
    unread: 0,
    last: null,
    sent: 0,
    resent: 0,
    ...rest,
  };
}

const ladder: MessageState[] = ['queued', 'sending', 'delivered'];

let messageCount = 0;
function message(
  conversation: string,
  mine: boolean,
  text: string,
  ago: number,
  state: MessageState = 'delivered',
  reason: string | null = null,
): MessageView {
  const sentAt = Date.now() - ago;
  const passed =
    state === 'failed'
      ? (['queued', 'sending', 'failed'] as const)
      : ladder.slice(0, ladder.indexOf(state) + 1);
  const timeline = passed.map((step, i) => ({ state: step, at: sentAt + i * 700 }));
  const bare = {
    ...{ author: null, event: null, file: null, replyTo: null, reactions: [], deleted: false },
    ...{ expiresAt: null, deliveredTo: [], readBy: [] },
  };
  return { ...bare, id: `m${++messageCount}`, conversation, mine, text, sentAt, state, reason, timeline };
}

function busyMessages(): MessageView[] {
  const hour = 60 * minute;
  return [
    message('Kestrel', false, 'the coast road is closed again', 25 * hour),
    message('Kestrel', false, 'the second route is quicker', 27 * minute),
    message('Mira', false, 'Are you still on for tomorrow?', 26 * hour),
    message('Mira', true, 'Yes. I will bring the map.', 25.9 * hour),
    message('Mira', false, 'Did the map come through last night?', 22 * minute),
    message('Mira', false, 'Ferry moved to 06:40.', 21 * minute),
    message('Mira', true, 'It did. Both pages, took eleven seconds.', 3 * minute),
    message('Mira', true, 'See you at the pier then.', 2 * minute),
    message('Mira', true, 'I will be the one with the green umbrella.', 1500, 'sending'),
    message(
      'Ondine',
      true,
      'Here is the first one, from a place without a name.',
      9 * minute,
      'queued',
      'contact',
    ),
    message('Juniper', true, 'Can you read this?', 4 * 24 * hour, 'failed', 'timeout'),
  ];
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
    profile: { name: 'Alder', address: addressOf(0), started: true },
    settings: { relaying: true },
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
      { ...link(31), name: 'hg.example.org', kind: 'server', rttMs: 22, ownCircuits: 1 },
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
    helping: helpingState(),
  };
}

function sceneState(scene: Scene): ClientState {
  const state = busyState();
  if (scene === 'empty' || scene === 'quiet') {
    Object.assign(state, { conversations: [], circuits: [] });
    if (scene === 'empty') {
      state.profile = { name: '', address: null, started: false };
      state.status = { kind: 'finding-neighbours', have: 1, want: 3 };
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
  if (scene === 'alone') {
    state.links = [];
    state.circuits = [];
    state.status = { kind: 'finding-neighbours', have: 0, want: 3 };
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
  if (scene === 'offline') state.status = { kind: 'offline' };
  return state;
}

export class FakeClient {
  readonly api: ClientApi;
  readonly #listeners = new Set<Listener>();
  readonly #messages: MessageView[];
  #state: ClientState;

  constructor(scene: Scene) {
    this.#state = sceneState(scene);
    this.#messages = this.#state.conversations.length ? busyMessages() : [];
    this.#conversations((all) => all);
    this.api = this.#api();
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

  #conversations(change: (all: ConversationView[]) => ConversationView[]): void {
    const withLast = change(this.#state.conversations).map((one) => ({
      ...one,
      last: this.#messages.findLast((m) => m.conversation === one.id) ?? null,
    }));
    this.patch({ conversations: withLast });
  }

  #step(id: string, state: MessageState, reason: string | null = null): void {
    const at = this.#messages.findIndex((m) => m.id === id);
    const old = this.#messages[at]!;
    const next = { ...old, state, reason, timeline: [...old.timeline, { state, at: Date.now() }] };
    this.#messages[at] = next;
    this.emit({ type: 'message', message: next });
    this.#conversations((all) => all);
  }

  #deliver(id: string): void {
    setTimeout(() => this.#step(id, 'sending'), 150);
    setTimeout(() => this.#step(id, 'delivered'), 1100);
  }

  #send(conversation: string, text: string): MessageView {
    const to = this.#state.conversations.find((one) => one.id === conversation);
    const made = message(conversation, true, text, 0, 'queued', to?.waiting ?? null);
    this.#messages.push(made);
    this.emit({ type: 'message', message: made });
    this.#conversations((all) => all);
    if (to?.reachable) this.#deliver(made.id);
    return made;
  }

  #accept(): string {
    const id = 'Wren';
    this.#conversations((all) => [conversation(id, 7, { state: 'requested', waiting: 'contact' }), ...all]);
    return id;
  }

  #connect(node: string): void {
    const known = this.#state.nodes.find((one) => one.node === node)!;
    const made = { ...link(0), node, name: known.name, state: 'connecting' as const, rttMs: null };
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
    const invite = `https://hg.example.org/#i/${idOf(77)}${idOf(78).slice(0, 40)}`;
    const week = 7 * 24 * 60 * minute;
    return {
      state: async () => this.#state,
      start: async ({ name }) => profile({ name, started: true, address: addressOf(0) }),
      setName: async (name) => profile({ name }),
      setRelaying: async (relaying) => this.patch({ settings: { relaying } }),
      createInvite: async () => ({ link: invite, createdAt: Date.now(), expiresAt: Date.now() + week }),
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
      messages: async (id) => this.#messages.filter((m) => m.conversation === id),
      send: async (id, text) => this.#send(id, text),
      retry: async (id) => {
        this.#step(id, 'queued', 'circuit');
        this.#deliver(id);
      },
      markRead: async (id) =>
        this.#conversations((all) => all.map((one) => (one.id === id ? { ...one, unread: 0 } : one))),
      newCircuit: async () => undefined,
      connect: async (node) => this.#connect(node),
      disconnect: async (node) => this.patch({ links: this.#state.links.filter((l) => l.node !== node) }),
      avoid: async (node, on) =>
        this.patch({ nodes: this.#state.nodes.map((n) => (n.node === node ? { ...n, avoided: on } : n)) }),
      stop: async () => undefined,
    };
  }
}

import type { Consensus } from '#shared/directory/consensus.ts';
import type { Handle } from '#shared/node/input.ts';
import type { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { CircuitState } from '#shared/node/views.ts';
import { encodeAddress } from '#shared/rendezvous/address.ts';
import { nodeId, type Millis, type NodeId } from '#shared/units.ts';
import type { CircuitView, ClientEvent, ClientState, ConversationView, MessageView } from '#web/api.ts';
import type { HelpingView } from '#web/api-helping.ts';
import type { Host } from '#web/core/host.ts';
import type { Group } from '#web/core/groups/group.ts';
import type { Relaying } from '#web/core/contribution/relaying.ts';
import type { Messenger } from '#web/core/messenger.ts';
import { nodeName } from '#web/core/names.ts';
import { circuitView, linkView, nodeViews, statusOf } from '#web/core/views.ts';
import type { Served } from '#web/core/ways.ts';

/** Views are told at most this often. */
const TELL_MS: Millis = 100;
/** Round trips change without an event; they are looked at this often. */
const LOOK_MS: Millis = 3000;

/** What cover costs is told in steps of so many bytes a second. */
const COST_STEP = 100;

/** Connecting to the server takes this long at the most, before it is called unreachable. */
const CONNECTING_MS: Millis = 4000;

type Env = {
  node: Node;
  ports: Host['ports'];
  self(): NodeId | undefined;
  avoided(): NodeId[];
  /** Whether the user hides their address from neighbours. */
  hides(): boolean;
  messenger(): Messenger | undefined;
  helping(): HelpingView;
  relaying(): Relaying;
  /** The user went on in another browser. */
  moved(): boolean;
  emit(event: ClientEvent): void;
};

type Failed = Extract<NodeEvent, { type: 'circuit-failed' }>;

/** What the user may see of the node: views of its state, told when they change. */
export class Watch {
  #consensus: Consensus | undefined;
  readonly #env: Env;
  /** The last circuit that a conversation lost, until it has another. */
  readonly #lost = new Map<string, CircuitView>();
  #lastCircuits = new Map<Handle, CircuitState>();
  #cancel: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  readonly #told = new Map<string, string>();
  #conversationsDue = false;
  /** There may be many: they are looked through only when they are others. */
  #nodesDue = false;
  /** When the directory was last within reach; at first, when this began. */
  #reachedAt: Millis;
  #stopped = false;

  constructor(env: Env) {
    this.#env = env;
    this.#reachedAt = env.ports.now();
    this.#look();
  }

  state(): Omit<ClientState, 'profile' | 'settings' | 'conversations' | 'keeping'> {
    return { ...this.#now(), cover: this.#cover(), ...this.#nodes(), helping: this.#env.helping() };
  }

  conversations(): ConversationView[] {
    const messenger = this.#env.messenger();
    if (!messenger) return [];
    const shown = messenger.sessions().filter(({ id }) => !messenger.contacts.isHidden(id));
    const withContacts = shown.map((session): ConversationView => {
      const { id, contact, name, unread, leaving, last, timerMs, sent, resent } = session.summary;
      const { contacts, profiles } = messenger;
      const plain = {
        ...({ kind: 'contact', blocked: contacts.blocked(id), verified: contacts.verified(id) } as const),
        ...{
          members: [],
          former: [],
          timerMs,
          draft: messenger.unsent.of(id),
          picture: profiles.pictureOf(id),
        },
      };
      const state = contacts.state(id) ?? session.summary.state;
      const reachable = session.summary.reachable && messenger.reach(id)?.heard === true;
      const waiting = reachable ? null : (messenger.reach(id)?.waiting ?? null);
      const explained = last && this.explain(last);
      const address = encodeAddress(contact);
      return {
        ...plain,
        id,
        name,
        address,
        state,
        reachable,
        waiting,
        unread,
        leaving,
        last: explained,
        sent,
        resent,
      };
    });
    return [...withContacts, ...messenger.groups.list().map((group) => this.#groupView(messenger, group))];
  }

  /** A group has no channel of its own; what is said there waits for those of its members. */
  #groupView(messenger: Messenger, { summary }: Group): ConversationView {
    const others = summary.members.filter(({ self }) => !self);
    const reached = others.filter(({ id }) => messenger.reach(id)?.heard === true);
    const reachable = reached.length > 0;
    return {
      ...summary,
      ...{ kind: 'group', address: '', blocked: false, verified: 'no', picture: null, sent: 0, resent: 0 },
      ...{ draft: messenger.unsent.of(summary.id), reachable },
      waiting: reachable || others.length === 0 ? null : 'contact',
    };
  }

  /** A message that is not under way says what it waits for. */
  explain(message: MessageView): MessageView {
    if (message.state !== 'queued') return message;
    const messenger = this.#env.messenger();
    const held = messenger?.mail.held(message.conversation);
    const waiting =
      messenger?.contacts.waits(message.conversation) ?? messenger?.reach(message.conversation)?.waiting;
    return { ...message, reason: message.reason ?? held ?? waiting ?? null };
  }

  /** Of the directory whose lists of nodes this client follows; undefined before the first of them. */
  get directoryKey(): Uint8Array | undefined {
    return this.#consensus?.directoryKey;
  }

  /** A conversation has a channel: what it lost before is over. */
  found(conversation: string): void {
    this.#lost.delete(conversation);
    this.conversationChanged();
  }

  knows(consensus: Consensus): void {
    this.#consensus = consensus;
    this.nodesChanged();
  }

  /** One of this client's circuits ended. */
  failed({ hop, code, path }: Failed): void {
    for (const [handle, circuit] of this.#lastCircuits) {
      if (circuit.path.length !== path.length || circuit.path.some((node, i) => node !== path[i])) continue;
      for (const { conversation, since } of this.#conversationsOn(handle)) {
        // One that never got there is missed by nobody who has another.
        if (since === undefined && this.#reachable(conversation)) continue;
        const closed = { ...circuit, state: 'closed' } as const;
        this.#lost.set(
          conversation,
          circuitView(closed, this.#directory(), conversation, null, { hop, code }),
        );
      }
    }
    this.changed();
  }

  changed(): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#env.ports.timer(TELL_MS, () => this.#tell());
  }

  /** The consensus is another, or the user avoids other nodes, or is one or none themselves. */
  nodesChanged(): void {
    this.#nodesDue = true;
    this.changed();
  }

  conversationChanged(): void {
    this.#conversationsDue = true;
    this.changed();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancelLook?.();
  }

  #look(): void {
    this.#cancelLook = this.#env.ports.timer(LOOK_MS, () => {
      this.changed();
      this.#look();
    });
  }

  #tell(): void {
    this.#cancel = undefined;
    const { status, links, circuits, node, reach, relaying } = this.#now();
    this.#once('node', { type: 'node', node });
    if (this.#nodesDue) this.#env.emit({ type: 'nodes', ...this.#nodes() });
    this.#nodesDue = false;
    this.#once('links', { type: 'links', links });
    this.#once('circuits', { type: 'circuits', circuits });
    this.#once('status', { type: 'status', status });
    this.#once('cover', { type: 'cover', cover: this.#cover() });
    this.#once('reach', { type: 'reach', reach });
    this.#once('relaying', { type: 'relaying', relaying });
    this.#once('helping', { type: 'helping', helping: this.#env.helping() });
    if (!this.#conversationsDue) return;
    this.#conversationsDue = false;
    this.#env.emit({ type: 'conversations', conversations: this.conversations() });
  }

  /** Says only what is not what was said. */
  #once(part: string, event: ClientEvent): void {
    const said = JSON.stringify(event);
    if (this.#told.get(part) === said) return;
    this.#told.set(part, said);
    this.#env.emit(event);
  }

  #now(): Pick<ClientState, 'status' | 'links' | 'circuits' | 'node' | 'reach' | 'relaying'> {
    const links = this.#env.node.links.map(linkView);
    const relaying = this.#env.relaying().view;
    const ways = { status: this.#status(), links, circuits: this.#circuits(), node: this.#node() };
    return { ...ways, reach: this.#reach(), relaying };
  }

  #reach(): ClientState['reach'] {
    const { node, relaying } = this.#env;
    const { tries, nextAt } = node.looking;
    const { mostNeighbours } = relaying();
    return { server: node.directoryReachable, tries, nextAt: nextAt ?? null, mostNeighbours };
  }

  /** In steps, or it would be told at every look. */
  #cover(): ClientState['cover'] {
    const { up, down } = this.#env.node.cover;
    const stepped = (rate: number): number => Math.round(rate / COST_STEP) * COST_STEP;
    return { up: stepped(up), down: stepped(down) };
  }

  #nodes(): Pick<ClientState, 'nodes' | 'consensusAt'> {
    const nodes = nodeViews(this.#consensus, this.#env.avoided(), this.#env.self());
    return { nodes, consensusAt: this.#consensus?.time ?? null };
  }

  #status(): ClientState['status'] {
    const { node, ports } = this.#env;
    // A browser that sees no network may still reach a server on its own machine.
    const { navigator } = globalThis as { navigator?: { onLine?: boolean } };
    const online = navigator?.onLine !== false || node.directoryReachable;
    if (node.directoryReachable) this.#reachedAt = ports.now();
    const unreachable = ports.now() - this.#reachedAt > CONNECTING_MS;
    if (this.#env.moved()) return { kind: 'paused' };
    // Who hides where there is no TURN server chose that, and is no case for an explanation of browsers.
    const blocked = !node.webrtc && !this.#env.hides();
    return statusOf(node, this.#consensus, this.#env.self(), { online, unreachable, blocked });
  }

  #node(): ClientState['node'] {
    const id = this.#env.self();
    return id === undefined ? null : { id, name: nodeName(id), registered: this.#env.node.registered };
  }

  #directory(): NodeId | undefined {
    return this.#consensus && nodeId(this.#consensus.directoryKey);
  }

  #conversationsOn(circuit: Handle): Served[] {
    return this.#env.messenger()?.servedBy(circuit) ?? [];
  }

  #reachable(conversation: string): boolean {
    return this.#env.messenger()?.session(conversation).summary.reachable === true;
  }

  #circuits(): CircuitView[] {
    const { circuits } = this.#env.node;
    this.#lastCircuits = new Map(circuits.map((circuit) => [circuit.handle, circuit]));
    const directory = this.#directory();
    const live = circuits.flatMap((circuit) => {
      const conversations = this.#conversationsOn(circuit.handle);
      if (conversations.length === 0) return [circuitView(circuit, directory, null, null)];
      return conversations.map(({ conversation: id, since }) => {
        // Of several, the one that came to serve the conversation last is the one in use, whichever is the oldest.
        const use = {
          ...circuit,
          openedAt: since,
          state: since === undefined ? 'building' : circuit.state,
        } as const;
        const renewsAt =
          circuit.purpose === 'conversation' ? (this.#env.messenger()?.reach(id)?.renewsAt ?? null) : null;
        return circuitView(use, directory, id, since === undefined ? null : renewsAt);
      });
    });
    return [...live, ...this.#lost.values()];
  }
}

import { equal } from '../bytes/bytes.ts';
import { dhKeypair, type DhKeypair, DH_LENGTH } from '../crypto/dh.ts';
import type { Consensus, ConsensusNode } from '../directory/consensus.ts';
import { RemoteError, type Code } from '../errors.ts';
import { ReplayCache } from '../signal/replays.ts';
import {
  answerIdOf,
  openAnswer,
  openOffer,
  sealAnswer,
  sealOffer,
  type Answer,
  type AnswerKey,
  type PendingAnswer,
} from '../signal/seal.ts';
import { passOfAnswerer, passOfDialler } from '../signal/pass.ts';
import type { PassSession, Session } from '../signal/session.ts';
import { nodeIdBytes, type LinkId, type Millis, type NodeId } from '../units.ts';
import type { Context } from './context.ts';
import { Feints, isFeint } from './feints.ts';
import type { KeyRing } from './keys.ts';
import type { LinkRules } from './link-rules.ts';
import type { Link, Links, Way } from './links.ts';

/** From the wish for a link to the link. */
const DIAL_MS: Millis = 12_000;

/** A target that is not listed may be in the next consensus, which is waited for this long. */
const NEWS_MS: Millis = 4000;

/** A node to which no WebRTC link came about, though it answered, is dialled by way of the server for so long. */
const DETOUR_MS: Millis = 10 * 60_000;
const MAX_DETOURS = 256;

/** Offers that may be answered at once. */
const MAX_ANSWERING = 16;

/** A link that is being made. */
export type Connecting = { link: LinkId; peer: NodeId };

type Done = (link: Link | Code) => void;

type Dial = {
  target: NodeId;
  link: LinkId;
  begun: boolean;
  offer: PendingAnswer | undefined;
  /** The own key of a link by way of the server. */
  pass: DhKeypair | undefined;
  /** The other side took the offer of a WebRTC link. */
  answered: boolean;
  done: Done[];
};
type Answering = {
  from: NodeId | undefined;
  link: LinkId;
  reply: Uint8Array;
  key: AnswerKey;
  way: Extract<Way, 'direct' | 'server'>;
};

type Parts = {
  context: Context;
  links: Links;
  keys: KeyRing;
  rules: LinkRules;
  consensus(): Consensus | undefined;
  /** Whether this tab is a node: it signs its offers and answers others'. */
  relaying(): boolean;
  replyAddress(): Uint8Array | undefined;
  /** Asks for a newer consensus. */
  hurry(): void;
  /** Sends a sealed signal through the directory. */
  signal(to: Uint8Array, sealed: Uint8Array, failed: (code: Code) => void): void;
};

/**
 * Makes links to nodes by sealed signalling: one offer, one answer, both of one size, through the directory, which
 * sees where they go and nothing else. They are WebRTC links, or go by way of the server where one of the two has no WebRTC,
 * or where the other one answered and the two networks let no connection through.
 */
export class Dials {
  readonly #parts: Parts;
  readonly #dials = new Map<NodeId, Dial>();
  readonly #answering = new Map<LinkId, Answering>();
  readonly #replays = new ReplayCache();
  /** Until when. */
  readonly #detours = new Map<NodeId, Millis>();
  readonly #feints: Feints;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#feints = new Feints(parts);
  }

  /** Links to nodes that are being made, each once where both sides wanted it. */
  connecting(): Connecting[] {
    const incoming = [...this.#answering.values()].flatMap(({ link, from }) =>
      from === undefined ? [] : [{ link, peer: from }],
    );
    const outgoing = [...this.#dials.values()].map(({ link, target }) => ({ link, peer: target }));
    return [...new Map([...outgoing, ...incoming].map((each) => [each.link, each])).values()];
  }

  dial(target: NodeId, done: Done): void {
    const { context, links } = this.#parts;
    const open = links.to(target);
    if (open) return done(open);
    const known = this.#dials.get(target);
    if (known) return void known.done.push(done);
    const coming = [...this.#answering.values()].find(({ from }) => from === target);
    if (coming) {
      // The other side was first; its link will do.
      this.#dials.set(target, newDial(target, coming.link, done, true));
      return;
    }
    const link = context.handle() as LinkId;
    this.#dials.set(target, newDial(target, link, done));
    context.changed();
    if (target === this.#parts.keys.id) return this.#failSoon(target, 'not-found');
    if (this.#listed(target)) return this.#begin(target, link);
    // The node may have come after the consensus that is known here.
    this.#parts.hurry();
    context.after(this.#timer(link), NEWS_MS, () => this.#fail(target, 'not-found'));
  }

  /** Signals to a node that is linked already. */
  feign(target: NodeId): void {
    const node = this.#node(target);
    if (node) this.#feints.send(node);
  }

  /** Dials that waited for their targets to be listed begin. */
  onConsensus(): void {
    for (const { target, link, begun } of [...this.#dials.values()]) {
      if (!begun && this.#listed(target)) this.#begin(target, link);
    }
  }

  /** The page made a session description. */
  onSession(link: LinkId, session: Session): void {
    const answering = this.#answering.get(link);
    if (answering?.way === 'direct') return this.#answer(answering, { session });
    const dial = this.#dialOf(link);
    if (dial && !dial.pass) this.#offer(dial, session);
  }

  /** A sealed signal came. Bad ones are dropped and counted. */
  onSignal(sealed: Uint8Array): void {
    const { context } = this.#parts;
    context.guard(
      () => {
        const answered = [...this.#dials.values()].find(
          ({ offer }) => offer && equal(offer.answerId, answerIdOf(sealed)),
        );
        if (answered) this.#onAnswer(answered, sealed);
        else if (!this.#feints.isAnswer(sealed)) this.#onOffer(sealed);
      },
      (code) => context.event({ type: 'refused', where: 'signal', code }),
    );
  }

  /** The carrier under one of these links is up. False when the link is not one of them. */
  onOpen(id: LinkId): boolean {
    const { context, links } = this.#parts;
    const answering = this.#answering.get(id);
    const dial = this.#dialOf(id);
    if (!answering && !dial) return false;
    context.timers.clear(this.#timer(id));
    this.#answering.delete(id);
    if (dial) this.#dials.delete(dial.target);
    const peer = dial?.target ?? answering?.from;
    const way = answering?.way ?? (dial?.pass ? 'server' : 'direct');
    const link = links.open(id, peer, peer === undefined ? 'client' : 'peer', !answering, way);
    for (const done of dial?.done ?? []) done(link);
    return true;
  }

  onClosed(id: LinkId): void {
    const dial = this.#dialOf(id);
    if (dial) this.#failed(dial, 'unreachable');
    if (this.#answering.delete(id)) this.#parts.context.timers.clear(this.#timer(id));
  }

  /** WebRTC links that are being made are given up: they may tell what they should not any more. */
  restart(): void {
    for (const { target, link, begun, pass } of [...this.#dials.values()]) {
      if (begun && !pass && !this.#answering.has(link)) this.#fail(target, 'finished');
    }
    for (const { link, way } of [...this.#answering.values()])
      if (way === 'direct') this.#dropAnswering(link);
  }

  #dialOf(link: LinkId): Dial | undefined {
    return [...this.#dials.values()].find((each) => each.link === link);
  }

  #node(target: NodeId): ConsensusNode | undefined {
    return this.#parts.consensus()?.nodes.find(({ id }) => id === target);
  }

  #listed(target: NodeId): boolean {
    return this.#node(target) !== undefined;
  }

  #byServer(target: NodeId): boolean {
    const detour = (this.#detours.get(target) ?? 0) > this.#parts.context.now;
    return detour || !this.#parts.rules.webrtc || this.#node(target)?.capabilities.server === true;
  }

  #begin(target: NodeId, link: LinkId): void {
    const { context } = this.#parts;
    const dial = this.#dials.get(target);
    if (!dial) return;
    dial.begun = true;
    if (!this.#makeRoom(true)) return this.#failSoon(target, 'too-many');
    context.after(this.#timer(link), DIAL_MS, () => this.#failed(dial, 'timeout'));
    if (!this.#byServer(target)) return context.out({ type: 'create-peer', link, initiator: true });
    dial.pass = dhKeypair(context.rng(DH_LENGTH));
    this.#offer(dial, { kind: 'pass-offer', key: dial.pass.public });
  }

  #offer(dial: Dial, session: Session | PassSession): void {
    const { context, keys } = this.#parts;
    const node = this.#node(dial.target);
    const reply = this.#parts.replyAddress();
    if (!node || !reply) return this.#fail(dial.target, 'unreachable');
    const from = this.#parts.relaying() ? { id: keys.id, secret: keys.secret } : undefined;
    const to = { to: dial.target, toKey: node.signallingKey };
    // The target's key is whatever it put into its descriptor.
    context.guard(
      () => {
        const { sealed, pending } = sealOffer(context.rng, { ...to, reply, from, now: context.now, session });
        dial.offer = pending;
        this.#parts.signal(nodeIdBytes(dial.target), sealed, (code) => this.#fail(dial.target, code));
      },
      (code) => this.#fail(dial.target, code),
    );
  }

  #onAnswer(dial: Dial, sealed: Uint8Array): void {
    if (!dial.offer) return;
    const answer = openAnswer(dial.offer, sealed);
    if ('refused' in answer) {
      // It has no WebRTC any more, which it did not say when it was listed.
      dial.answered = answer.refused === 'unreachable';
      return this.#failed(dial, answer.refused);
    }
    const { session } = answer;
    const { link, pass, offer } = dial;
    if (pass && 'key' in session) {
      this.#parts.context.out({ type: 'open-pass', link, pass: passOfDialler(offer, pass, session.key) });
    } else if (!pass && !('key' in session)) {
      dial.answered = true;
      this.#parts.context.out({ type: 'signal-peer', link, session });
    } else throw new RemoteError('unexpected', 'the answer to an offer of another kind');
    dial.offer = undefined;
  }

  #onOffer(sealed: Uint8Array): void {
    const { context, keys } = this.#parts;
    if (!this.#parts.relaying()) throw new RemoteError('refused', 'this tab takes no links');
    if (this.#answering.size >= MAX_ANSWERING) throw new RemoteError('too-many', 'offers under way');
    const { signalling } = keys;
    const { from, reply, session, answerKey } = openOffer(
      { id: keys.id, signalling },
      sealed,
      context.now,
      this.#replays,
    );
    const link = context.handle() as LinkId;
    const answering: Answering = {
      from,
      link,
      reply,
      key: answerKey,
      way: 'key' in session ? 'server' : 'direct',
    };
    if (!('key' in session) && isFeint(session))
      return this.#feints.answer(link, () => this.#answer(answering, { refused: 'finished' }));
    if (from !== undefined && this.#dials.has(from)) {
      // Both sides offered at once: the lower id's offer stands.
      if (keys.id < from) return;
      this.#adopt(from, answering);
    }
    this.#answering.set(link, answering);
    // Under a user's limit nobody who comes makes another link go.
    if (!this.#makeRoom(!this.#parts.rules.limited)) return this.#answer(answering, { refused: 'too-many' });
    if (!('key' in session) && !this.#parts.rules.webrtc)
      return this.#answer(answering, { refused: 'unreachable' });
    context.after(this.#timer(link), DIAL_MS, () => this.#dropAnswering(link));
    context.changed();
    if ('key' in session) return this.#answerPass(answering, session.key);
    context.out({ type: 'create-peer', link, initiator: false });
    context.out({ type: 'signal-peer', link, session });
  }

  #answerPass(answering: Answering, theirs: Uint8Array): void {
    const { context } = this.#parts;
    const own = dhKeypair(context.rng(DH_LENGTH));
    context.guard(
      () => {
        const pass = passOfAnswerer(answering.key, own, theirs);
        context.out({ type: 'open-pass', link: answering.link, pass });
        this.#answer(answering, { session: { kind: 'pass-answer', key: own.public } });
      },
      () => this.#dropAnswering(answering.link),
    );
  }

  /** The own offer gives way; who waited for it waits for the other's link. */
  #adopt(from: NodeId, answering: Answering): void {
    const dial = this.#dials.get(from);
    if (!dial) return;
    this.#parts.context.out({ type: 'close-link', link: dial.link });
    this.#parts.context.timers.clear(this.#timer(dial.link));
    dial.link = answering.link;
    dial.begun = true;
    dial.offer = undefined;
    dial.pass = undefined;
    dial.answered = false;
    this.#parts.context.after(this.#timer(dial.link), DIAL_MS, () => this.#fail(from, 'timeout'));
  }

  #answer(answering: Answering, content: Answer): void {
    const { context, keys } = this.#parts;
    const sealed = sealAnswer(context.rng, answering.key, { id: keys.id, secret: keys.secret }, content);
    this.#parts.signal(answering.reply, sealed, () => this.#dropAnswering(answering.link));
    if ('refused' in content) this.#answering.delete(answering.link);
  }

  #dropAnswering(link: LinkId): void {
    if (!this.#answering.delete(link)) return;
    this.#parts.context.timers.clear(this.#timer(link));
    const adopted = [...this.#dials.values()].find((dial) => dial.link === link);
    if (adopted) return this.#fail(adopted.target, 'timeout');
    this.#parts.context.out({ type: 'close-link', link });
  }

  /** Over the limit the least recently used link without a circuit gives way, if one may. */
  #makeRoom(displace: boolean): boolean {
    const { links, rules } = this.#parts;
    // Only those that have begun: anyone can have a node look for targets that are listed nowhere.
    const begun = [...this.#dials.values()].filter((dial) => dial.begun).length;
    if (links.size + this.#answering.size + begun <= rules.most) return true;
    if (!displace) return false;
    const idle = [...links.all()].filter((link) => link.circuits.size === 0 && rules.isSpare(link));
    const oldest = idle.sort((a, b) => a.usedAt - b.usedAt)[0];
    if (oldest) links.close(oldest, 'finished');
    return oldest !== undefined;
  }

  #failSoon(target: NodeId, code: Code): void {
    const dial = this.#dials.get(target);
    if (dial) this.#parts.context.after(this.#timer(dial.link), 0, () => this.#fail(target, code));
  }

  /** A WebRTC link that both wanted and that did not come about is made by way of the server. */
  #failed(dial: Dial, code: Code): void {
    const { context } = this.#parts;
    const { target, link, answered, pass } = dial;
    if (!answered || pass || this.#dials.get(target) !== dial) return this.#fail(target, code);
    const [oldest] = this.#detours.keys();
    if (this.#detours.size >= MAX_DETOURS && oldest !== undefined) this.#detours.delete(oldest);
    this.#detours.set(target, context.now + DETOUR_MS);
    context.out({ type: 'close-link', link });
    context.timers.clear(this.#timer(link));
    dial.link = context.handle() as LinkId;
    dial.offer = undefined;
    dial.answered = false;
    this.#begin(target, dial.link);
  }

  #fail(target: NodeId, code: Code): void {
    const dial = this.#dials.get(target);
    if (!dial) return;
    this.#dials.delete(target);
    this.#parts.context.timers.clear(this.#timer(dial.link));
    this.#parts.context.out({ type: 'close-link', link: dial.link });
    this.#parts.context.changed();
    for (const done of dial.done) done(code);
  }

  #timer(link: LinkId): string {
    return `dial:${String(link)}`;
  }
}

const newDial = (target: NodeId, link: LinkId, done: Done, begun = false): Dial => ({
  ...{ target, link, begun, done: [done] },
  ...{ offer: undefined, pass: undefined, answered: false },
});

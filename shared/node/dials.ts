import { equal } from '../bytes/bytes.ts';
import type { Consensus } from '../directory/consensus.ts';
import { RemoteError, type Code } from '../errors.ts';
import { ReplayCache } from '../signal/replays.ts';
import {
  answerIdOf,
  openAnswer,
  openOffer,
  sealAnswer,
  sealOffer,
  type AnswerKey,
  type PendingAnswer,
} from '../signal/seal.ts';
import type { Session } from '../signal/session.ts';
import { nodeIdBytes, type LinkId, type Millis, type NodeId } from '../units.ts';
import type { Context } from './context.ts';
import type { KeyRing } from './keys.ts';
import type { Link, Links } from './links.ts';

/** From the wish for a link to the link. */
const DIAL_MS: Millis = 12_000;

/** A target that is not listed may be in the next consensus, which is waited for this long. */
const NEWS_MS: Millis = 4000;

/** Offers that may be answered at once. */
const MAX_ANSWERING = 16;

type Done = (link: Link | Code) => void;

type Dial = { target: NodeId; link: LinkId; begun: boolean; offer: PendingAnswer | undefined; done: Done[] };
type Answering = { from: NodeId | undefined; link: LinkId; reply: Uint8Array; key: AnswerKey };

type Parts = {
  context: Context;
  links: Links;
  keys: KeyRing;
  maxLinks: number;
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
 * sees where they go and nothing else.
 */
export class Dials {
  readonly #parts: Parts;
  readonly #dials = new Map<NodeId, Dial>();
  readonly #answering = new Map<LinkId, Answering>();
  readonly #replays = new ReplayCache();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Nodes that are being linked to. */
  connecting(): NodeId[] {
    const incoming = [...this.#answering.values()].flatMap(({ from }) => (from === undefined ? [] : [from]));
    return [...this.#dials.keys(), ...incoming];
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
      this.#dials.set(target, { target, link: coming.link, begun: true, offer: undefined, done: [done] });
      return;
    }
    const link = context.handle() as LinkId;
    this.#dials.set(target, { target, link, begun: false, offer: undefined, done: [done] });
    context.changed();
    if (target === this.#parts.keys.id) return this.#failSoon(target, 'not-found');
    if (this.#listed(target)) return this.#begin(target, link);
    // The node may have come after the consensus that is known here.
    this.#parts.hurry();
    context.after(this.#timer(link), NEWS_MS, () => this.#fail(target, 'not-found'));
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
    if (answering) return this.#answer(answering, { session });
    const dial = [...this.#dials.values()].find((each) => each.link === link);
    if (dial) this.#offer(dial, session);
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
        else this.#onOffer(sealed);
      },
      (code) => context.event({ type: 'refused', where: 'signal', code }),
    );
  }

  /** The carrier under one of these links is up. False when the link is not one of them. */
  onOpen(id: LinkId): boolean {
    const { context, links } = this.#parts;
    const answering = this.#answering.get(id);
    const dial = [...this.#dials.values()].find((each) => each.link === id);
    if (!answering && !dial) return false;
    context.timers.clear(this.#timer(id));
    this.#answering.delete(id);
    if (dial) this.#dials.delete(dial.target);
    const peer = dial?.target ?? answering?.from;
    const link = links.open(id, peer, peer === undefined ? 'client' : 'peer', !answering);
    for (const done of dial?.done ?? []) done(link);
    return true;
  }

  onClosed(id: LinkId): void {
    const dial = [...this.#dials.values()].find((each) => each.link === id);
    if (dial) this.#fail(dial.target, 'unreachable');
    if (this.#answering.delete(id)) this.#parts.context.timers.clear(this.#timer(id));
  }

  #listed(target: NodeId): boolean {
    return this.#parts.consensus()?.nodes.some(({ id }) => id === target) === true;
  }

  #begin(target: NodeId, link: LinkId): void {
    const { context } = this.#parts;
    const dial = this.#dials.get(target);
    if (dial) dial.begun = true;
    if (!this.#makeRoom()) return this.#failSoon(target, 'too-many');
    context.out({ type: 'create-peer', link, initiator: true });
    context.after(this.#timer(link), DIAL_MS, () => this.#fail(target, 'timeout'));
  }

  #offer(dial: Dial, session: Session): void {
    const { context, keys } = this.#parts;
    const node = this.#parts.consensus()?.nodes.find(({ id }) => id === dial.target);
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
    if ('refused' in answer) return this.#fail(dial.target, answer.refused);
    dial.offer = undefined;
    this.#parts.context.out({ type: 'signal-peer', link: dial.link, session: answer.session });
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
    const answering: Answering = { from, link, reply, key: answerKey };
    if (from !== undefined && this.#dials.has(from)) {
      // Both sides offered at once: the lower id's offer stands.
      if (keys.id < from) return;
      this.#adopt(from, answering);
    }
    this.#answering.set(link, answering);
    if (!this.#makeRoom()) return this.#answer(answering, { refused: 'too-many' });
    context.out({ type: 'create-peer', link, initiator: false });
    context.out({ type: 'signal-peer', link, session });
    context.after(this.#timer(link), DIAL_MS, () => this.#dropAnswering(link));
    context.changed();
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
    this.#parts.context.after(this.#timer(dial.link), DIAL_MS, () => this.#fail(from, 'timeout'));
  }

  #answer(answering: Answering, content: { session: Session } | { refused: Code }): void {
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

  /** Over the limit the least recently used link without a circuit gives way. */
  #makeRoom(): boolean {
    const { links, maxLinks } = this.#parts;
    // Only those that have begun: anyone can have a node look for targets that are listed nowhere.
    const begun = [...this.#dials.values()].filter((dial) => dial.begun).length;
    if (links.size + this.#answering.size + begun <= maxLinks) return true;
    const idle = [...links.all()].filter(({ kind, circuits }) => kind !== 'directory' && circuits.size === 0);
    const oldest = idle.sort((a, b) => a.usedAt - b.usedAt)[0];
    if (oldest) links.close(oldest, 'finished');
    return oldest !== undefined;
  }

  #failSoon(target: NodeId, code: Code): void {
    const dial = this.#dials.get(target);
    if (dial) this.#parts.context.after(this.#timer(dial.link), 0, () => this.#fail(target, code));
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

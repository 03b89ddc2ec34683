import type { Outcome } from '../contribution/outcomes.ts';
import { uniform } from '../crypto/rng.ts';
import type { Consensus } from '../directory/consensus.ts';
import { RemoteError } from '../errors.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Channel } from './channel.ts';
import type { Context } from './context.ts';
import { Inbox } from './inbox.ts';
import type { Handle } from './input.ts';
import { joinInbox } from './joining.ts';
import { HANDSHAKE_MS } from './limits.ts';
import { LOST_MS, LoopMail } from './loop-mail.ts';
import { drawAcknowledgement, drawTurns, type Side, type Turn } from './loop-script.ts';
import { broken, CALLER_WAY, E1, late, lost, M1, M2, OWNER_WAY, unbuilt, X } from './loop-verdict.ts';
import type { Origin, OriginHandlers, Origins, Target } from './origins.ts';
import type { NodeEvent } from './output.ts';
import type { Paths } from './paths.ts';

/** Longer than a hop takes to find that the next one can't be reached, so that it can say so. */
const STEP_MS: Millis = 15_000;

/** Of the span, the part of which a random one passes before the inbox is joined, as a user's spare circuit waits for a call. */
const PAUSE_PART = 4;

export type LoopTask = { targets: readonly NodeId[]; spanMs: Millis; lingerMs: Millis };

export type LoopParts = {
  context: Context;
  origins: Origins;
  paths: Paths;
  consensus(): Consensus | undefined;
  /** Once. */
  ran(loop: Loop, outcome: Outcome): void;
  /** Once, after that: nothing of it stands any more. */
  over(loop: Loop): void;
};

type Hops = { guard: Target; m1: Target; e1: Target; x: Target; m2: Target };
type End = Parameters<OriginHandlers['closed']>;

/**
 * A conversation with oneself through four nodes: an inbox at X by way of m2, joined by way of m1 and e1. All that the four
 * see is what they see of users.
 */
export class Loop {
  readonly startedAt: Millis;
  readonly #parts: LoopParts;
  readonly #task: LoopTask;
  readonly #name: string;
  readonly #channels = new Map<Handle, Channel>();
  readonly #ends: Partial<Record<Side, Channel>> = {};
  readonly #mail = new LoopMail();
  #turns: Turn[] = [];
  #startedTalk: Millis | undefined;
  #ran = false;
  #over = false;
  #inbox: Inbox | undefined;
  #origin: Origin | undefined;
  #hops: Hops | undefined;

  constructor(parts: LoopParts, task: LoopTask) {
    this.#parts = parts;
    this.#task = task;
    this.startedAt = parts.context.now;
    this.#name = `loop:${String(parts.context.handle())}`;
  }

  get guard(): NodeId | undefined {
    return this.#hops?.guard.node;
  }

  start(): void {
    const hops = this.#choose();
    if (!hops) return this.#run({ kind: 'unrun' });
    this.#hops = hops;
    this.#inbox = this.#makeInbox(hops);
    this.#inbox.build();
    if (this.#ran) return;
    const { guard, m1, e1 } = hops;
    const origin = this.#parts.origins.build({
      purpose: 'conversation',
      path: [guard, m1, e1],
      handlers: {
        open: () => this.#ready(),
        message: () => {
          throw new RemoteError('unexpected', 'a message before the contact has joined');
        },
        closed: (...end) => this.#broken(CALLER_WAY, end),
      },
      stepMs: STEP_MS,
    });
    // One that failed at once was told to `closed` before.
    if (origin.state !== 'closed') this.#origin = origin;
  }

  /** Says nothing of anybody, and ends it. */
  cancel(): void {
    this.#run({ kind: 'unrun' });
    this.stop();
  }

  /** Ends it as a user's conversation ends. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    const { context } = this.#parts;
    for (const what of ['pause', 'turn', 'check', 'closed', 'linger'])
      context.timers.clear(this.#timer(what));
    const caller = this.#ends.caller;
    if (caller) caller.end('finished');
    else this.#origin?.end('finished');
    const inbox = this.#inbox;
    // The END has to get through before the inbox goes.
    context.after(this.#timer('inbox'), caller ? HANDSHAKE_MS : 0, () => inbox?.stop());
    this.#parts.over(this);
  }

  #choose(): Hops | undefined {
    const { paths } = this.#parts;
    const { targets } = this.#task;
    const of = (place: number): Target | undefined => {
      const id = targets[place];
      return id === undefined ? undefined : paths.target(id);
    };
    const [guard, m1, e1, x, m2] = [paths.guardBeside(targets), of(M1), of(E1), of(X), of(M2)];
    if (!guard || !m1 || !e1 || !x || !m2 || new Set(targets).size !== targets.length) return undefined;
    return { guard, m1, e1, x, m2 };
  }

  #makeInbox({ guard, m2, x }: Hops): Inbox {
    const { context, origins, consensus } = this.#parts;
    return new Inbox({
      ...{ context, origins, consensus, channels: this.#channels, stepMs: STEP_MS },
      ways: { back: () => undefined, fresh: () => [guard, m2, x] },
      tell: (event) => this.#heard('owner', event),
      changed: () => this.#ready(),
      closed: (...end) => this.#broken(OWNER_WAY, end),
      hurry: () => undefined,
    });
  }

  /** A circuit stands. Once both do, the one is joined to the other. */
  #ready(): void {
    const { context } = this.#parts;
    if (this.#ran || this.#origin?.state !== 'open' || !this.#inbox?.ref) return;
    const pause = uniform(context.rng, Math.floor(this.#task.spanMs / PAUSE_PART) + 1);
    context.after(this.#timer('pause'), pause, () => this.#join(pause));
  }

  #join(pause: Millis): void {
    const { context, origins } = this.#parts;
    const [origin, inbox, x] = [this.#origin, this.#inbox?.ref, this.#hops?.x];
    if (!origin || !inbox || !x) return this.#run({ kind: 'unrun' });
    const closed: OriginHandlers['closed'] = (...end) => this.#broken(CALLER_WAY, end);
    const tell = (event: NodeEvent): void => this.#heard('caller', event);
    const parts = { context, origins, channels: this.#channels, tell, closed };
    origin.extend(x, () => joinInbox(parts, origin, inbox, (channel) => this.#begin(channel, pause)));
  }

  #begin(channel: Channel, pause: Millis): void {
    const { rng } = this.#parts.context;
    this.#ends.caller = channel;
    this.#turns = drawTurns(rng, this.#task.spanMs - pause);
    this.#startedTalk = this.#parts.context.now;
    this.#next();
  }

  #next(): void {
    const [turn] = this.#turns;
    if (!turn) return;
    const { context } = this.#parts;
    const wait = Math.max(0, (this.#startedTalk ?? context.now) + turn.at - context.now);
    context.after(this.#timer('turn'), wait, () => {
      this.#turns.shift();
      this.#send(turn.from, turn.length, true);
      this.#next();
    });
  }

  #send(from: Side, length: number, text: boolean): void {
    const { context } = this.#parts;
    const data = context.rng(length);
    this.#mail.sent(from, { data, at: context.now, text });
    context.after(this.#timer('check'), LOST_MS, () => {
      if (!this.#mail.idle) this.#run(lost);
    });
    this.#ends[from]?.send(data);
  }

  #heard(at: Side, event: NodeEvent): void {
    if (this.#ran) return;
    if (event.type === 'channel-incoming') {
      const channel = this.#channels.get(event.channel);
      if (channel) this.#ends.owner ??= channel;
    } else if (event.type === 'channel-message') this.#came(at, event.data);
    // What ended it may be told after this.
    else if (event.type === 'channel-closed')
      this.#parts.context.after(this.#timer('closed'), 0, () => this.#run(lost));
  }

  #came(at: Side, data: Uint8Array): void {
    const { context } = this.#parts;
    const what = this.#mail.came(at === 'owner' ? 'caller' : 'owner', data, context.now);
    if (what === 'bad') return this.#run(lost);
    // As a user's client does once it knows who writes.
    if (at === 'owner') this.#ends.owner?.trust();
    if (what === 'text') this.#send(at, drawAcknowledgement(context.rng), false);
    if (this.#mail.idle && this.#turns.length === 0) this.#run(this.#mail.late ? late : { kind: 'passed' });
  }

  #broken(way: typeof CALLER_WAY, [origin, code, hop, cause]: End): void {
    if (way === OWNER_WAY) this.#inbox?.stop();
    if (this.#ran) return this.stop();
    if (this.#startedTalk !== undefined) this.#run(broken({ code, cause }));
    else this.#run(unbuilt({ way, hop, stood: origin.openedAt !== undefined, code, cause }));
    this.stop();
  }

  #run(outcome: Outcome): void {
    if (this.#ran) return;
    this.#ran = true;
    const { context } = this.#parts;
    for (const what of ['pause', 'turn', 'check', 'closed']) context.timers.clear(this.#timer(what));
    this.#parts.ran(this, outcome);
    if (this.#startedTalk === undefined) this.stop();
    else context.after(this.#timer('linger'), this.#task.lingerMs, () => this.stop());
  }

  #timer(what: string): string {
    return `${this.#name}:${what}`;
  }
}

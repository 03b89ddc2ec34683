import type { Millis } from '#shared/units.ts';
import { RemoteError, codeOf, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { Mailbox } from '#shared/rendezvous/contact.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import { lookUp } from '#web/core/publisher.ts';
import type { Change } from '#web/core/store/ports.ts';
import { boxOf } from './box.ts';
import { Collector } from './collector.ts';
import type { FirstBoxes } from './first-boxes.ts';
import type { Letter } from './letter.ts';
import { PairBoxes } from './pair-boxes.ts';
import { Sender } from './sender.ts';

/** How often it is looked whether a period began, or a mailbox has had its time. */
const LOOK_MS: Millis = 10 * 60_000;
/** The mailbox before the one in use is read so much less often. */
const SELDOM = 10;

/** Delivery to who is away: each side's mailboxes at the directory, what is left in them and what is taken out. */
export class MailFeature implements Feature {
  readonly #env: FeatureEnv;
  readonly #collector: Collector;
  readonly #senders = new Map<string, Sender>();
  readonly #renewing = new Set<string>();
  #boxes: PairBoxes | undefined;
  #cancelLook: (() => void) | undefined;
  #stopped = false;
  /** Frames that did not open. */
  #refused = 0;

  constructor(env: FeatureEnv) {
    this.#env = env;
    const { ports, network } = env;
    this.#collector = new Collector({ ports, network, take: (letter) => this.#take(letter) });
  }

  /** What was found in mailboxes and was nothing: letters, and frames in letters. */
  get refused(): { letters: number; frames: number } {
    return { letters: this.#collector.refused, frames: this.#refused };
  }

  /** Rejects with LocalError `storage`. */
  async load(): Promise<void> {
    const { store, ports, firstBoxes, handleBoxes } = this.#env;
    this.#boxes = await PairBoxes.load(store, ports.rng);
    for (const each of [firstBoxes, handleBoxes]) each.made = () => this.#admit();
    this.#look();
  }

  keep(contact: Uint8Array, { content }: Envelope): readonly Change[] {
    return content.type === 'mailbox' && this.#boxes ? [this.#boxes.change(contact, content)] : [];
  }

  taken(conversation: string, { content }: Envelope): void {
    if (content.type !== 'mailbox') return;
    this.#boxes?.told(conversation, content);
    this.#senders.get(conversation)?.look();
  }

  told(event: SessionEvent): void {
    if (event.type === 'conversation') this.#senders.get(event.conversation)?.look();
  }

  begun(session: Session): void {
    const { ports, pay } = this.#env;
    const sender = new Sender({
      ...{ ports, pay, session },
      mailbox: () => this.#mailboxOf(session),
      changed: () => this.#env.changed(),
    });
    this.#senders.set(session.id, sender);
    void this.#renew(session);
  }

  opened(conversation: string, channel: Handle): void {
    this.#senders.get(conversation)?.opened(channel);
  }

  closed(conversation: string, channel: Handle): void {
    this.#senders.get(conversation)?.closed(channel);
  }

  ended(conversation: string): readonly Change[] {
    this.#senders.get(conversation)?.stop();
    this.#senders.delete(conversation);
    for (const box of this.#boxes?.own(conversation) ?? []) this.#collector.remove(boxOf(box));
    return this.#boxes?.forget(conversation) ?? [];
  }

  absent(conversation: string): void {
    this.#senders.get(conversation)?.absent();
  }

  mail(mailbox: Uint8Array): void {
    this.#collector.wake(mailbox);
  }

  held(conversation: string): Code | undefined {
    return this.#senders.get(conversation)?.held;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelLook?.();
    this.#collector.stop();
    for (const sender of this.#senders.values()) sender.stop();
  }

  /** The one that was agreed on; before that, the one that the contact published. */
  async #mailboxOf(session: Session): Promise<Mailbox | undefined> {
    const known = this.#boxes?.theirs(session.id);
    if (known && !session.waiting) return known;
    if (!session.waiting) return undefined;
    const { network, ports } = this.#env;
    return (await lookUp(network, session.contact, ports.now())).mailbox;
  }

  async #renew(session: Session): Promise<void> {
    const boxes = this.#boxes;
    if (!boxes || this.#renewing.has(session.id)) return;
    this.#renewing.add(session.id);
    const before = boxes.own(session.id);
    try {
      await boxes.renew(session, this.#env.ports.now());
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
    }
    this.#renewing.delete(session.id);
    if (this.#stopped || this.#env.session(session.id) !== session) return;
    const own = boxes.own(session.id);
    for (const box of before) if (!own.includes(box)) this.#collector.remove(boxOf(box));
    for (const [at, box] of own.entries()) this.#collector.add(boxOf(box), { seldom: at === 0 ? 1 : SELDOM });
  }

  #look(): void {
    if (this.#stopped) return;
    this.#admit();
    this.#cancelLook = this.#env.ports.timer(LOOK_MS, () => {
      for (const session of this.#env.sessions()) void this.#renew(session);
      this.#look();
    });
  }

  /** Reads the mailboxes for first contact whose period has begun, and erases each once nothing can come there any more. */
  #admit(): void {
    for (const each of [this.#env.firstBoxes, this.#env.handleBoxes]) this.#admitOf(each);
  }

  #admitOf(firstBoxes: FirstBoxes): void {
    const { ports } = this.#env;
    for (const { period, box } of firstBoxes.begun(ports.now())) {
      const opened = boxOf(box);
      const emptied = async (): Promise<void> => {
        const over = firstBoxes.begun(ports.now()).some((each) => each.period === period && each.over);
        if (!over) return;
        this.#collector.remove(opened);
        await firstBoxes.erase(period);
      };
      this.#collector.add(opened, { emptied });
    }
  }

  /** What does not open is passed over, and counted. Rejects with LocalError `storage`. */
  async #take({ time, frames }: Letter): Promise<void> {
    for (const frame of frames) {
      try {
        const session = await this.#env.receive(frame);
        this.#senders.get(session.id)?.heard(time);
      } catch (error) {
        if (codeOf(error) === 'storage') throw error;
        if (!(error instanceof RemoteError)) console.error(error);
        this.#refused += 1;
      }
    }
  }
}

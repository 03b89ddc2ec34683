import { describe, expect, it, vi } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { mailboxId } from '#shared/directory/mail.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { periodOf, type Mailbox } from '#shared/rendezvous/contact.ts';
import type { Content } from '#web/core/conversation/content.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { FeatureEnv } from '#web/core/feature.ts';
import { boxOf, makeBox } from '#web/core/mail/box.ts';
import { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import { openLetter, sealLetter } from '#web/core/mail/letter.ts';
import { MailFeature } from '#web/core/mail/mail.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change } from '#web/core/store/ports.ts';
import { seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const text = (frame: Uint8Array): string => new TextDecoder().decode(frame);
const frames = (...texts: string[]): Uint8Array[] => texts.map((each) => new TextEncoder().encode(each));
const contact = seed('contact');
const DAY = 86_400_000;

/** The feature between a directory and one conversation, which says `content` by what `due` holds. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly rng = seededRng(seed('mail'));
  readonly store = memoryStore();
  readonly letters = new Map<string, { id: Uint8Array; blob: Uint8Array }[]>();
  readonly received: string[] = [];
  readonly told: Content[] = [];
  due: string[] = [];
  receive: (frame: string) => Error | undefined = () => undefined;
  readonly session = this.#session();
  feature: MailFeature | undefined;
  first: FirstBoxes | undefined;

  async open(): Promise<MailFeature> {
    const { clock, rng, store, session } = this;
    this.first = await FirstBoxes.load(store, rng);
    this.feature = new MailFeature({
      ...{ store, firstBoxes: this.first, handleBoxes: await FirstBoxes.load(memoryStore(), rng) },
      ports: { now: clock.now, rng, timer: clock.after },
      network: {
        askBound: (_: string, request: (binding: Uint8Array) => DirectoryRequest) =>
          this.#ask(request(new Uint8Array(32))),
      },
      pay: (_: string, request: DirectoryRequest) => this.#ask(request),
      sessions: () => [session],
      session: () => session,
      receive: async (frame: Uint8Array) => {
        const error = this.receive(text(frame));
        if (error) throw error;
        this.received.push(text(frame));
        return Promise.resolve(session);
      },
      changed: () => undefined,
    } as unknown as FeatureEnv);
    await this.feature.load();
    this.feature.begun(session);
    return this.feature;
  }

  /** Closed for so many days; then it is open for a while. */
  async sleep(days: number): Promise<MailFeature> {
    this.feature?.stop();
    await this.clock.pass(days * DAY);
    const feature = await this.open();
    await this.clock.pass(10_000);
    return feature;
  }

  put({ mailbox, key }: Mailbox, ...said: string[]): void {
    const letter = { time: this.clock.now(), frames: frames(...said) };
    this.#store(mailbox, this.rng(16), sealLetter(this.rng, { mailbox, key }, letter));
  }

  waiting({ mailbox }: Mailbox): number {
    return this.letters.get(hex(mailbox))?.length ?? 0;
  }

  /** The mailbox that the contact was told of last. */
  get own(): Mailbox {
    const last = this.told.at(-1);
    if (last?.type !== 'mailbox') throw new Error('none was told');
    return last;
  }

  #session(): Session {
    const due = (): string[] => this.due;
    return {
      id: hex(contact),
      contact,
      waiting: false,
      stale: false,
      get mailDue() {
        return due().length > 0;
      },
      tell: async (content: Content, extra: readonly Change[]) => {
        this.told.push(content);
        await this.store.write(extra);
      },
      undelivered: async () => {
        const items = frames(...this.due).map((frame, seq) => ({ seq, frame, stored: undefined }));
        return Promise.resolve({ welcome: undefined, items, ack: undefined });
      },
      markStored: async () => Promise.resolve(void (this.due = [])),
    } as unknown as Session;
  }

  #store(mailbox: Uint8Array, id: Uint8Array, blob: Uint8Array): void {
    const place = hex(mailbox);
    this.letters.set(place, [...(this.letters.get(place) ?? []), { id, blob }]);
  }

  async #ask(request: DirectoryRequest): Promise<DirectoryResponse> {
    if (request.type === 'deposit') this.#store(request.mailbox, request.id, request.blob);
    if (request.type === 'collect') {
      const messages = this.letters.get(hex(mailboxId(request.key))) ?? [];
      return Promise.resolve({ type: 'mail', state: { more: false, woken: true }, messages });
    }
    if (request.type === 'acknowledge') this.letters.delete(hex(mailboxId(request.key)));
    return Promise.resolve({ type: 'ok' });
  }
}

describe('mail', () => {
  it('passes over frames that do not open, counts them, and erases all', async () => {
    const fixture = new Fixture();
    const feature = await fixture.open();
    const errors = vi.spyOn(console, 'error').mockReturnValue(undefined);
    await fixture.clock.pass(1_000);
    fixture.receive = (frame) =>
      ({ bad: new RemoteError('bad-layer'), odd: new Error('a fault of this program') })[frame];
    fixture.put(fixture.own, 'one', 'bad', 'two');
    fixture.put(fixture.own, 'odd', 'three');
    await fixture.clock.pass(10 * 60_000);
    expect(fixture.received).toEqual(['one', 'two', 'three']);
    expect(feature.refused).toEqual({ letters: 0, frames: 2 });
    expect(fixture.waiting(fixture.own)).toBe(0);
    expect(errors).toHaveBeenCalledOnce();
    errors.mockRestore();
    feature.stop();
  });

  it('stays where it is while the store fails', async () => {
    const fixture = new Fixture();
    const feature = await fixture.open();
    await fixture.clock.pass(1_000);
    fixture.receive = (frame) => (frame === 'two' ? new LocalError('storage') : undefined);
    fixture.put(fixture.own, 'one', 'two');
    await fixture.clock.pass(10 * 60_000);
    expect(fixture.waiting(fixture.own)).toBe(1);
    feature.mail(fixture.own.mailbox);
    fixture.receive = () => undefined;
    await fixture.clock.pass(10 * 60_000);
    expect(fixture.waiting(fixture.own)).toBe(0);
    expect(fixture.received.slice(-2)).toEqual(['one', 'two']);
    feature.stop();
  });

  it('goes to the mailbox that the contact told of last, also after a reload', async () => {
    const fixture = new Fixture();
    const feature = await fixture.open();
    fixture.due = ['hello'];
    await fixture.clock.pass(60_000);
    expect(fixture.due).toEqual(['hello']);
    const boxes = [boxOf(makeBox(fixture.rng, 0)), boxOf(makeBox(fixture.rng, 0))] as const;
    for (const { public: mailbox } of boxes) {
      const content = { type: 'mailbox', ...mailbox } as const;
      const envelope = { id: fixture.rng(16), time: 0, content };
      await fixture.store.write(feature.keep(contact, envelope));
      feature.taken(hex(contact), envelope);
    }
    await fixture.clock.pass(60_000);
    const [first, last] = boxes;
    const at = ({ secret, public: { mailbox } }: typeof first): string[] =>
      (fixture.letters.get(hex(mailbox)) ?? []).flatMap(({ blob }) =>
        openLetter(secret, mailbox, blob).frames.map(text),
      );
    expect([at(first), at(last)]).toEqual([[], ['hello']]);
    feature.stop();

    const again = await fixture.open();
    fixture.due = ['again'];
    again.absent(hex(contact));
    await fixture.clock.pass(5_000);
    expect(at(last)).toEqual(['hello', 'again']);
    again.stop();
  });

  it('tells of a mailbox at the beginning, of another after thirty days, and reads both', async () => {
    const fixture = new Fixture();
    await fixture.open();
    await fixture.clock.pass(5_000);
    const old = fixture.own;
    await fixture.sleep(29);
    expect(fixture.told).toHaveLength(1);
    const feature = await fixture.sleep(1);
    expect(fixture.told).toHaveLength(2);
    expect(fixture.own.mailbox).not.toEqual(old.mailbox);
    fixture.put(fixture.own, 'new');
    fixture.put(old, 'old');
    await fixture.clock.pass(2 * 3_600_000);
    expect(fixture.received.toSorted()).toEqual(['new', 'old']);
    feature.stop();
  });

  it('says why it waits where the contact`s key is none', async () => {
    const fixture = new Fixture();
    const feature = await fixture.open();
    const content = { type: 'mailbox', mailbox: seed('box'), key: new Uint8Array(1216).fill(255) } as const;
    feature.taken(hex(contact), { id: fixture.rng(16), time: 0, content });
    fixture.due = ['hello'];
    feature.absent(hex(contact));
    await fixture.clock.pass(5_000);
    expect(feature.held(hex(contact))).toBe('bad-key');
    feature.stop();
  });

  it('for first contact is read, and its mailbox erased once nothing can come there any more', async () => {
    const fixture = new Fixture();
    await fixture.open();
    const period = periodOf(fixture.clock.now());
    const first = fixture.first as FirstBoxes;
    const periods = (): number[] =>
      (fixture.first?.begun(fixture.clock.now()) ?? []).map((each) => each.period - period);
    const { public: mailbox } = boxOf(await first.of(period, fixture.clock.now()));
    fixture.put(mailbox, 'welcome');
    await fixture.clock.pass(10_000);
    expect(fixture.received).toEqual(['welcome']);
    const { public: later } = boxOf(await first.of(period + 1, fixture.clock.now()));
    fixture.put(later, 'too early');
    await fixture.clock.pass(10_000);
    expect(fixture.waiting(later)).toBe(1);
    await fixture.sleep(1);
    expect(fixture.received).toEqual(['welcome', 'too early']);
    expect(periods()).toEqual([0, 1]);
    // Two periods and more than an hour after it began.
    await fixture.sleep(1.5);
    expect(periods()).toEqual([1]);
    fixture.feature?.stop();
  });
});

import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import type { DirectoryRequest } from '#shared/directory/messages.ts';
import { RemoteError, type Code } from '#shared/errors.ts';
import type { Mailbox } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Mail } from '#web/core/conversation/outgoing.ts';
import { boxOf, makeBox } from '#web/core/mail/box.ts';
import { openLetter, type Letter } from '#web/core/mail/letter.ts';
import { Sender } from '#web/core/mail/sender.ts';
import { seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const HOUR: Millis = 3_600_000;

/** A conversation with things to say, and a contact's mailbox at a directory. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly rng = seededRng(seed('sender'));
  readonly box = boxOf(makeBox(this.rng, 0));
  readonly letters: (Letter & { at: Millis })[] = [];
  /** Ids of all deposits, those that failed too. */
  readonly ids: string[] = [];
  readonly sender: Sender;
  items: { seq: number; frame: Uint8Array; stored: Millis | undefined }[] = [];
  welcome: Mail['welcome'];
  ack = 0;
  told = 0;
  mailbox: Mailbox | undefined = this.box.public;
  fails: (tries: number) => Code | undefined = () => undefined;
  changes = 0;

  constructor() {
    const { clock, rng } = this;
    const start = clock.now();
    const due = (): boolean => this.items.length > 0 || this.ack > this.told;
    this.sender = new Sender({
      ports: { now: clock.now, rng, timer: clock.after },
      pay: (purpose, request) => {
        expect(purpose).toBe('mailbox');
        return this.#deposit(request, clock.now() - start);
      },
      session: {
        get mailDue() {
          return due();
        },
        undelivered: async () => Promise.resolve(this.#mail()),
        markStored: async ({ welcome, items = [], ack = 0 }) => {
          this.items = this.items.map((each) =>
            items.includes(each.seq) ? { ...each, stored: clock.now() } : each,
          );
          if (welcome && this.welcome) this.welcome = { ...this.welcome, stored: clock.now() };
          this.told = Math.max(this.told, ack);
          return Promise.resolve();
        },
      },
      mailbox: async () => Promise.resolve(this.mailbox),
      changed: () => void (this.changes += 1),
    });
  }

  say(count: number, length = 10): void {
    for (let left = count; left > 0; left--) {
      const seq = this.items.length;
      this.items.push({ seq, frame: new Uint8Array(length).fill(seq), stored: undefined });
    }
    this.sender.look();
  }

  /** The first byte of each frame of each letter. */
  get said(): number[][] {
    return this.letters.map(({ frames }) => frames.map((frame) => frame[0] ?? -1));
  }

  #mail(): Mail {
    const ack = this.ack > this.told ? { frame: Uint8Array.of(200), upTo: this.ack } : undefined;
    return { welcome: this.welcome, items: this.items, ack };
  }

  async #deposit(request: DirectoryRequest, at: Millis): Promise<{ type: 'ok' }> {
    if (request.type !== 'deposit') throw new Error(request.type);
    this.ids.push(hex(request.id));
    await new Promise<void>((done) => void this.clock.after(100, done));
    const code = this.fails(this.ids.length);
    if (code) throw new RemoteError(code);
    this.letters.push({ ...openLetter(this.box.secret, request.mailbox, request.blob), at });
    return { type: 'ok' };
  }
}

describe('what a contact did not get', () => {
  it('is deposited once they are away for a while, in order, and not again', async () => {
    const fixture = new Fixture();
    fixture.say(3);
    await fixture.clock.pass(9_900);
    expect(fixture.letters).toEqual([]);
    await fixture.clock.pass(2_500);
    expect(fixture.said).toEqual([[0, 1, 2]]);
    fixture.say(1);
    await fixture.clock.pass(2_500);
    expect(fixture.said).toEqual([[0, 1, 2], [3]]);
    fixture.sender.look();
    await fixture.clock.pass(2 * HOUR);
    expect(fixture.letters).toHaveLength(2);
  });

  it('is deposited at once where it is known that they are not there', async () => {
    const fixture = new Fixture();
    fixture.say(1);
    fixture.sender.absent();
    await fixture.clock.pass(2_000);
    expect(fixture.said).toEqual([[0]]);
  });

  it('goes over channels while there is one', async () => {
    const fixture = new Fixture();
    fixture.sender.opened(1);
    fixture.say(1);
    await fixture.clock.pass(HOUR);
    expect(fixture.letters).toEqual([]);
    fixture.sender.opened(2);
    fixture.sender.closed(1);
    await fixture.clock.pass(HOUR);
    expect(fixture.letters).toEqual([]);
    fixture.sender.closed(2);
    await fixture.clock.pass(9_900);
    expect(fixture.letters).toEqual([]);
    await fixture.clock.pass(2_500);
    expect(fixture.said).toEqual([[0]]);
  });

  it('takes as many letters as it needs, of which none follows once a channel is open', async () => {
    const fixture = new Fixture();
    fixture.say(6, 30_000);
    fixture.fails = (tries) => {
      if (tries === 2) fixture.sender.opened(1);
      return undefined;
    };
    await fixture.clock.pass(60_000);
    expect(fixture.said).toEqual([
      [0, 1],
      [2, 3],
    ]);
    fixture.sender.closed(1);
    await fixture.clock.pass(60_000);
    expect(fixture.said.at(-1)).toEqual([4, 5]);
  });

  it('is tried again under the same id, so that it is stored once', async () => {
    const fixture = new Fixture();
    fixture.fails = (tries) => (tries <= 3 ? 'timeout' : undefined);
    fixture.say(1);
    await fixture.clock.pass(40_000);
    expect(fixture.said).toEqual([[0]]);
    expect(fixture.ids).toHaveLength(4);
    expect(new Set(fixture.ids).size).toBe(1);
  });

  it('waits with its reason where the directory has no room, and goes on when it has', async () => {
    const fixture = new Fixture();
    fixture.fails = () => 'too-many';
    fixture.say(1);
    await fixture.clock.pass(15_000);
    expect(fixture.sender.held).toBe('too-many');
    expect(fixture.changes).toBe(1);
    expect(fixture.items[0]?.stored).toBeUndefined();
    await fixture.clock.pass(HOUR);
    // Less and less often.
    expect(fixture.ids.length).toBeLessThan(9);
    fixture.fails = () => undefined;
    await fixture.clock.pass(HOUR);
    expect(fixture.sender.held).toBeUndefined();
    expect(fixture.said).toEqual([[0]]);
  });

  it('waits without a reason of its own while nothing can be reached', async () => {
    const fixture = new Fixture();
    fixture.fails = () => 'unreachable';
    fixture.say(1);
    await fixture.clock.pass(HOUR);
    expect(fixture.ids.length).toBeGreaterThan(10);
    expect([fixture.sender.held, fixture.changes]).toEqual([undefined, 0]);
    fixture.fails = () => undefined;
    await fixture.clock.pass(HOUR);
    expect(fixture.said).toEqual([[0]]);
  });

  it('waits until the contact has said where', async () => {
    const fixture = new Fixture();
    fixture.mailbox = undefined;
    fixture.say(1);
    await fixture.clock.pass(60_000);
    expect(fixture.ids).toEqual([]);
    fixture.mailbox = fixture.box.public;
    fixture.sender.look();
    await fixture.clock.pass(3_000);
    expect(fixture.said).toEqual([[0]]);
  });

  it('comes after the welcome, as long as they have not joined', async () => {
    const fixture = new Fixture();
    fixture.welcome = { frame: Uint8Array.of(100), stored: undefined };
    fixture.say(1);
    await fixture.clock.pass(15_000);
    fixture.say(1);
    await fixture.clock.pass(15_000);
    expect(fixture.said).toEqual([
      [100, 0],
      [100, 1],
    ]);
    fixture.sender.look();
    await fixture.clock.pass(15_000);
    expect(fixture.letters).toHaveLength(2);
  });

  it('is deposited again when they wrote long after and still do not have it, or when it is too old', async () => {
    const fixture = new Fixture();
    fixture.say(1);
    await fixture.clock.pass(15_000);
    fixture.sender.heard(fixture.clock.now());
    await fixture.clock.pass(15_000);
    expect(fixture.letters).toHaveLength(1);
    await fixture.clock.pass(2 * HOUR);
    fixture.sender.heard(fixture.clock.now() + 1000 * HOUR);
    await fixture.clock.pass(15_000);
    expect(fixture.said).toEqual([[0], [0]]);
    fixture.sender.look();
    await fixture.clock.pass(15 * 24 * HOUR - 60_000);
    expect(fixture.letters).toHaveLength(2);
    await fixture.clock.pass(2 * 60_000);
    fixture.sender.look();
    await fixture.clock.pass(15_000);
    expect(fixture.letters).toHaveLength(3);
  });

  it('tells what was taken, once', async () => {
    const fixture = new Fixture();
    fixture.ack = 4;
    fixture.sender.look();
    await fixture.clock.pass(15_000);
    expect(fixture.said).toEqual([[200]]);
    fixture.sender.look();
    await fixture.clock.pass(HOUR);
    expect(fixture.letters).toHaveLength(1);
  });

  it('stays where it is once the sender stops', async () => {
    const fixture = new Fixture();
    fixture.say(1);
    fixture.sender.stop();
    await fixture.clock.pass(HOUR);
    expect(fixture.ids).toEqual([]);
  });
});

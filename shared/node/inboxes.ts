import { EXIT_HOP } from '../cell/geometry.ts';
import type { NodeId } from '../units.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Channel } from './channel.ts';
import type { Context } from './context.ts';
import { Inbox } from './inbox.ts';
import type { Handle } from './input.ts';
import type { Origins, Target } from './origins.ts';
import type { Paths } from './paths.ts';

type Parts = {
  context: Context;
  origins: Origins;
  paths: Paths;
  channels: Map<Handle, Channel>;
  consensus(): Consensus | undefined;
  hurry(): void;
};

/** The inboxes of one address, each at an exit of its own. */
export class Inboxes {
  readonly #parts: Parts;
  #inboxes: Inbox[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  open(count: number): void {
    while (this.#inboxes.length < count) {
      const inbox = this.#make();
      this.#inboxes.push(inbox);
      inbox.build();
    }
    for (const inbox of this.#inboxes.splice(count)) inbox.stop();
  }

  #make(): Inbox {
    const { context, origins, channels, consensus, hurry } = this.#parts;
    const inbox: Inbox = new Inbox({
      ...{ context, origins, channels, consensus, hurry },
      ways: {
        back: (exit) => this.#back(exit),
        fresh: (before) => this.#fresh(inbox, before),
      },
      tell: (event) => context.event(event),
      changed: () => this.#report(),
      closed: () => undefined,
    });
    return inbox;
  }

  #back(exit: NodeId): Target[] | 'none' | undefined {
    const { paths } = this.#parts;
    if (!paths.target(exit)) return undefined;
    return paths.choose({ length: EXIT_HOP, end: exit, kept: true }) ?? 'none';
  }

  #fresh(inbox: Inbox, before: NodeId | undefined): Target[] | undefined {
    const { paths } = this.#parts;
    const others = this.#inboxes.filter((other) => other !== inbox).map(({ exit }) => exit);
    const exitNot = [...others, before].filter((id) => id !== undefined);
    const wish = { length: EXIT_HOP, kept: true };
    return paths.choose({ ...wish, exitNot }) ?? paths.choose(wish);
  }

  #report(): void {
    const inboxes = this.#inboxes.flatMap(({ ref }) => (ref ? [ref] : []));
    this.#parts.context.event({ type: 'inboxes', inboxes });
  }
}

import type { Capabilities } from '../directory/descriptor.ts';
import type { NodeId } from '../units.ts';
import type { Link } from './links.ts';
import type { NodeOptions } from './options.ts';

/** Links in a tab, the directory's among them. */
const MAX_LINKS = 32;

/** What links a node has: by what its machine can, and by what its user allows for. */
export class LinkRules {
  readonly #headless: boolean;
  readonly #maxLinks: number;
  readonly #isGuard: (peer: NodeId) => boolean;
  #webrtc = true;
  #reachable = true;
  /** The directory's link is none of those that the user counts. */
  #allowed: number | undefined;

  constructor(options: Pick<NodeOptions, 'headless' | 'maxLinks'>, isGuard: (peer: NodeId) => boolean) {
    this.#headless = options.headless ?? false;
    this.#maxLinks = options.maxLinks ?? MAX_LINKS;
    this.#isGuard = isGuard;
  }

  /** Whether this machine has links over WebRTC at all. */
  get webrtc(): boolean {
    return this.#webrtc;
  }

  get capabilities(): Capabilities {
    return { headless: this.#headless, reachable: this.#webrtc && this.#reachable, server: !this.#webrtc };
  }

  /** Whether the user has set a limit of their own. */
  get limited(): boolean {
    return this.#allowed !== undefined;
  }

  get most(): number {
    return Math.min(this.#maxLinks, (this.#allowed ?? this.#maxLinks) + 1);
  }

  /** Whether it may give way to another: under a user's limit guards' links are kept. */
  isSpare({ kind, peer }: Link): boolean {
    const kept = this.limited && peer !== undefined && this.#isGuard(peer);
    return kind !== 'directory' && !kept;
  }

  allow(links: number | undefined): void {
    this.#allowed = links;
  }

  /** Whether that is news. */
  connect(webrtc: boolean, reachable: boolean): boolean {
    const same = this.#webrtc === webrtc && this.#reachable === reachable;
    [this.#webrtc, this.#reachable] = [webrtc, reachable];
    return !same;
  }
}

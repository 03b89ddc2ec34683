/** The open channels of a conversation, and what has gone out on the newest, which is the one that is used. */
export class Channels {
  readonly #open: number[] = [];
  /** Items before this have gone out on the newest. */
  #sentTo = 0;
  #furthest = 0;
  /** Items sent, and how many of those for another time. */
  sent = 0;
  resent = 0;
  /** The newest has not been told yet who speaks. */
  introduce = false;

  get newest(): number | undefined {
    return this.#open.at(-1);
  }

  get any(): boolean {
    return this.#open.length > 0;
  }

  get sentTo(): number {
    return this.#sentTo;
  }

  includes(channel: number): boolean {
    return this.#open.includes(channel);
  }

  /** It becomes the newest, on which items from `acked` on have to be sent again. */
  attach(channel: number, acked: number): void {
    this.#remove(channel);
    this.#open.push(channel);
    this.#sentTo = acked;
    this.introduce = true;
  }

  /** False when it was none of these. */
  detach(channel: number, acked: number): boolean {
    const newest = channel === this.newest;
    if (!this.#remove(channel)) return false;
    if (newest) this.#sentTo = acked;
    return true;
  }

  /** Items from here on go out (again). */
  rewind(to: number): void {
    this.#sentTo = to;
  }

  /** Items are counted anew, and whoever listens has to be told. */
  restart(): void {
    this.#sentTo = 0;
    this.#furthest = 0;
    this.introduce = this.any;
  }

  went(seq: number): void {
    this.sent += 1;
    if (seq < this.#furthest) this.resent += 1;
    this.#sentTo = seq + 1;
    this.#furthest = Math.max(this.#furthest, this.#sentTo);
  }

  #remove(channel: number): boolean {
    const at = this.#open.indexOf(channel);
    if (at >= 0) this.#open.splice(at, 1);
    return at >= 0;
  }
}

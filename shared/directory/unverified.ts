/**
 * What a stranger sent and nobody has checked: it parses, and that is all. The value comes out through `verify`
 * alone, so no code can use it by mistake (the habit of arti's `tor-checkable`).
 */
export class Unverified<T, Against> {
  readonly #value: T;
  readonly #check: (value: T, against: Against) => void;

  /** `check` throws a RemoteError when the value does not hold. */
  constructor(value: T, check: (value: T, against: Against) => void) {
    this.#value = value;
    this.#check = check;
  }

  verify(against: Against): T {
    this.#check(this.#value, against);
    return this.#value;
  }
}

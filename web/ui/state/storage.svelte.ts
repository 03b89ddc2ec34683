/** What the browser says of the space that this site has, and of whether it keeps it. */

const manager = (): StorageManager | undefined => (navigator as { storage?: StorageManager }).storage;

let used = $state.raw<number | null>(null);
let most = $state.raw<number | null>(null);
let persisted = $state.raw(false);

export const storage = {
  /** Bytes in use, and how many the browser would give; null where it does not say. */
  get used(): number | null {
    return used;
  },
  get most(): number | null {
    return most;
  },
  get persisted(): boolean {
    return persisted;
  },
  get canPersist(): boolean {
    return typeof manager()?.persist === 'function';
  },

  async look(): Promise<void> {
    // A browser may refuse either of them, in a private window for one; then nothing is known.
    const estimate = await manager()
      ?.estimate()
      .catch(() => null);
    used = estimate?.usage ?? null;
    most = estimate?.quota ?? null;
    persisted =
      (await manager()
        ?.persisted()
        .catch(() => false)) ?? false;
  },

  /** Asks the browser to keep it; whether it promised. */
  async persist(): Promise<boolean> {
    await manager()
      ?.persist()
      .catch(() => false);
    await storage.look();
    return persisted;
  },
};

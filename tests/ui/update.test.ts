import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** A browser's service workers, as far as a page sees them. */
class Container extends EventTarget {
  controller: object | null = null;

  takenBy(worker: object): void {
    this.controller = worker;
    this.dispatchEvent(new Event('controllerchange'));
  }
}

let container: Container;
const reload = vi.fn();
const worker = (): { postMessage: () => void } => ({ postMessage: () => undefined });

const watch = async (active: object | null): Promise<void> => {
  const { watchReleases } = await import('#web/ui/state/update.svelte.ts');
  const registration = Object.assign(new EventTarget(), { active, waiting: null });
  await watchReleases(() => Promise.resolve(registration as unknown as ServiceWorkerRegistration));
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  reload.mockReset();
  container = new Container();
  vi.stubGlobal('navigator', { serviceWorker: container });
  vi.stubGlobal('location', { origin: 'https://hourglass.example', reload });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it.each(['is not there yet', 'is there, but does not hold the page yet'])(
  'a page goes on when the first worker takes it, which %s',
  async (when) => {
    const first = worker();
    await watch(when === 'is not there yet' ? null : first);
    container.takenBy(first);
    expect(reload).not.toHaveBeenCalled();
    container.takenBy(worker());
    expect(reload).toHaveBeenCalledOnce();
  },
);

it('a page opens anew when another release takes over, whether or not the first one held it', async () => {
  await watch(worker());
  container.takenBy(worker());
  expect(reload).toHaveBeenCalledOnce();
});

import { vi } from 'vitest';
import type { SqliteArchive } from '#server/stores/sqlite.ts';

type Write = 'deposit' | 'removeMail' | 'putRecord' | 'putHandle';

/**
 * Whether `ask` waits for the archive: its answer comes after the archive's `method` was through, and not before, while a
 * disk that is slow holds that up.
 */
export const waitsFor = async (
  archive: SqliteArchive,
  method: Write,
  ask: () => Promise<unknown>,
): Promise<boolean> => {
  const order: string[] = [];
  const write = archive[method].bind(archive) as (...args: unknown[]) => Promise<unknown>;
  const spy = vi.spyOn(archive, method as 'ping').mockImplementation(async (...args: unknown[]) => {
    for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
    const result = await write(...args);
    order.push('stored');
    return result as undefined;
  });
  await ask().then(() => order.push('answered'));
  spy.mockRestore();
  return order.join() === 'stored,answered';
};

import { expect } from 'vitest';
import { codes } from '#shared/errors.ts';
import { refusal } from './refusal.ts';

/** Whatever the bytes are, `read` takes them or refuses them as the peer's fault. */
export const expectOnlyRefusals = (read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void => {
  const code = refusal(() => read(bytes));
  if (code !== undefined) expect(codes).toHaveProperty(code);
};

/** A copy with one bit of one byte changed. */
export const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

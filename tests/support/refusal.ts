import { LocalError, RemoteError, type Code } from '#shared/errors.ts';

/** The code with which `work` refuses what a peer sent; undefined when it takes it. Anything else thrown is a fault. */
export const refusalOf = (work: () => unknown): Code | undefined => codeThrownAs(RemoteError, work);

/** The code with which `work` refuses its caller. */
export const misuseOf = (work: () => unknown): Code | undefined => codeThrownAs(LocalError, work);

/** Fails when `read` throws anything but a RemoteError. */
export const expectOnlyRefusals = (read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void => {
  refusalOf(() => read(bytes));
};

/** The same bytes with one bit of byte `at` flipped. */
export const flipped = (bytes: Uint8Array, at: number, bit = 0): Uint8Array => {
  const out = bytes.slice();
  out[at] = (out[at] ?? 0) ^ (1 << bit);
  return out;
};

const codeThrownAs = (
  kind: typeof RemoteError | typeof LocalError,
  work: () => unknown,
): Code | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof kind) return error.code;
    throw error;
  }
  return undefined;
};

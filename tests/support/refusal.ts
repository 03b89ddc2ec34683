import { LocalError, RemoteError, type Code } from '#shared/errors.ts';

/** The code with which `work` refuses what a peer sent; undefined when it takes it. Anything else thrown is a fault. */
export const refusal = (work: () => unknown): Code | undefined => codeThrownAs(RemoteError, work);

/** The code with which `work` refuses its caller. */
export const misuse = (work: () => unknown): Code | undefined => codeThrownAs(LocalError, work);

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

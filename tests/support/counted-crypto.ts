/** What is asked of WebCrypto, counted, so that virtual time can wait for it, and answered in the order in which it was asked. */
const methods = [
  ...(['encrypt', 'decrypt', 'sign', 'verify', 'digest', 'generateKey', 'deriveKey', 'deriveBits'] as const),
  ...(['importKey', 'exportKey', 'wrapKey', 'unwrapKey'] as const),
];

let pending = 0;
let counting = false;

/** Calls that are not answered yet; none before `countCrypto`. */
export const pendingCrypto = (): number => pending;

/** From now on, in this process. */
export const countCrypto = (): void => {
  if (counting) return;
  counting = true;
  const subtle = Object.getPrototypeOf(crypto.subtle) as Record<string, unknown>;
  let last: Promise<unknown> = Promise.resolve();
  for (const method of methods) {
    const original = subtle[method] as (...args: unknown[]) => Promise<unknown>;
    subtle[method] = function counted(this: SubtleCrypto, ...args: unknown[]): Promise<unknown> {
      pending += 1;
      const own = original.apply(this, args);
      const turn = last.then(() => own);
      last = turn.catch(() => undefined).finally(() => (pending -= 1));
      return turn;
    };
  }
};

const MOST = 1_024;

/** `make`, which need not do again what it did for the same bytes not long ago. */
export const remembered = <T>(make: (bytes: Uint8Array) => T): ((bytes: Uint8Array) => T) => {
  const made = new Map<string, T>();
  return (bytes) => {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = made.get(name);
    if (known !== undefined) return known;
    const result = make(bytes);
    const [oldest] = made.keys();
    if (made.size === MOST && oldest !== undefined) made.delete(oldest);
    made.set(name, result);
    return result;
  };
};

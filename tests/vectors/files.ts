import { blindingVectors, signatureVectors } from '#tests/vectors/make-crypto.ts';
import { cellVectors, relayVectors } from '#tests/vectors/make-cells.ts';
import { handshakeVectors, onionVectors } from '#tests/vectors/make-circuits.ts';
import { safetyVectors } from '#tests/vectors/make-safety.ts';

/** One committed file of vectors: what `make` returns, as JSON. It must return the same each time. */
export type VectorFile = { readonly file: string; readonly make: () => unknown };

export const vectorFiles: readonly VectorFile[] = [
  { file: 'signatures.json', make: signatureVectors },
  { file: 'blinding.json', make: blindingVectors },
  { file: 'cells.json', make: cellVectors },
  { file: 'relay-messages.json', make: relayVectors },
  { file: 'handshake.json', make: handshakeVectors },
  { file: 'onion.json', make: onionVectors },
  { file: 'safety-numbers.json', make: safetyVectors },
];

export const locate = (file: string): URL => new URL(file, import.meta.url);

/** Byte arrays are written as hex. */
export const render = (vectors: unknown): string =>
  `${JSON.stringify(vectors, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value), 2)}\n`;

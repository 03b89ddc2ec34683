import { RemoteError } from '../errors.ts';
import { NODE_ID_LENGTH, nodeId, nodeIdBytes, type NodeId } from '../units.ts';
import { fixed, mapped, u8, type Codec } from './codec.ts';

/** Fields and lengths that layouts of several parts share. All lengths are in bytes. */
const KEY_LENGTH = 32;
const HASH_LENGTH = 32;
const SIGNATURE_LENGTH = 64;
/** A random address under which a node without a name takes answers. */
export const REPLY_ADDRESS_LENGTH = 16;
/** Every sealed offer and answer, whatever it carries. */
export const SEALED_SIGNAL_LENGTH = 2048;
/** Every contact descriptor's sealed blob, whatever it carries. */
export const CONTACT_BLOB_LENGTH = 16_384;

export const keyCodec = fixed(KEY_LENGTH);
export const hashCodec = fixed(HASH_LENGTH);
export const signatureCodec = fixed(SIGNATURE_LENGTH);

/** A node's Ed25519 public key (32), as its hex in memory. */
export const nodeIdCodec: Codec<NodeId> = mapped(fixed(NODE_ID_LENGTH), nodeId, nodeIdBytes);

/** version (1) ‖ the layout of that version; any other is `bad-version`. */
export const versioned = <T>(version: number, codec: Codec<T>): Codec<T> => ({
  write(w, v) {
    w.u8(version);
    codec.write(w, v);
  },
  read(r) {
    if (u8.read(r) !== version) throw new RemoteError('bad-version');
    return codec.read(r);
  },
});

/** Booleans in one byte, the first one lowest; a set bit without a name is `malformed`. */
export const flags = <const N extends readonly string[]>(names: N): Codec<{ [K in N[number]]: boolean }> =>
  mapped(
    u8,
    (byte) => {
      if (byte >>> names.length !== 0) throw new RemoteError('malformed', 'an unknown flag');
      return Object.fromEntries(names.map((name, bit) => [name, ((byte >>> bit) & 1) === 1])) as {
        [K in N[number]]: boolean;
      };
    },
    (value) => names.reduce((byte, name, bit) => byte | (value[name as N[number]] ? 1 << bit : 0), 0),
  );

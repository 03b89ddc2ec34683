import { fixed, u8, type Codec } from '../bytes/codec.ts';
import { LocalError, RemoteError } from '../errors.ts';

/** The sizes in bytes of whatever users store at the directory: how much of it is filled, nobody there can tell. */
export const BLOB_SIZES = [4_096, 16_384, 65_536] as const;
const MAX_BLOB_LENGTH = BLOB_SIZES[2];

/** The most bytes of a blob on the wire. */
export const MAX_BLOB_BYTES = 1 + MAX_BLOB_LENGTH;

/** place of the size among `sizes` (1) ‖ that many bytes: another length can't be said. */
const sized = (sizes: readonly number[]): Codec<Uint8Array> => ({
  write(w, v) {
    const place = sizes.indexOf(v.length);
    if (place < 0) throw new LocalError('internal', 'not of a blob`s size');
    w.u8(place);
    w.bytes(v);
  },
  read(r) {
    const size = sizes[u8.read(r)];
    if (size === undefined) throw new RemoteError('malformed', 'not of a blob`s size');
    return fixed(size).read(r);
  },
});

/** size (1: 0 4,096 | 1 16,384 | 2 65,536) ‖ bytes. */
export const blobCodec = sized(BLOB_SIZES);

/** size (1: 0 nothing | 1 4,096 | 2 16,384 | 3 65,536) ‖ bytes. */
export const erasableBlobCodec = sized([0, ...BLOB_SIZES]);

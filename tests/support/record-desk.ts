import { equal, hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { recordCodec, recordId, verifyRecord, type SignedRecord } from '#shared/directory/records.ts';
import { RemoteError, type Code } from '#shared/errors.ts';

/** What a directory does with records, as docs/protocol.md has it, and what a test may do to them. */
export class RecordDesk {
  readonly records = new Map<string, SignedRecord>();
  readonly asked: DirectoryRequest[] = [];
  /** Fails the request instead, when it gives a code. */
  fails: (request: DirectoryRequest) => Code | undefined = () => undefined;

  readonly ask = async (request: DirectoryRequest): Promise<DirectoryResponse> => {
    this.asked.push(request);
    const code = this.fails(request);
    if (code !== undefined) throw new RemoteError(code);
    if (request.type === 'get-record') {
      const found = this.records.get(hex(request.recordId));
      if (!found) throw new RemoteError('not-found');
      return Promise.resolve({ type: 'record', ...found });
    }
    if (request.type !== 'put-record') throw new RemoteError('unexpected');
    // Through its bytes, so that no size passes which could not be said.
    const record = decode(recordCodec, encode(recordCodec, request));
    if (!verifyRecord(record)) throw new RemoteError('bad-signature');
    const id = hex(recordId(record.key, record.slot));
    const standing = this.records.get(id);
    const same = standing?.revision === record.revision && equal(standing.signature, record.signature);
    if (!same && standing && standing.revision >= record.revision) throw new RemoteError('stale');
    this.records.set(id, record);
    return { type: 'ok' };
  };

  get bytes(): number {
    return [...this.records.values()].reduce((sum, { blob }) => sum + blob.length, 0);
  }
}

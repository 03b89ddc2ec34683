import { concat, equal } from '#shared/bytes/bytes.ts';
import { decode, encode, fixed, struct, u32, u64, u8, type Value } from '#shared/bytes/codec.ts';
import { versioned } from '#shared/bytes/fields.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal } from '#shared/crypto/aead.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import type { RequestFor } from '#shared/directory/purposes.ts';
import { recordId, signRecord, verifyRecord } from '#shared/directory/records.ts';
import { codeOf, LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { ownerOf, slotKey } from '#web/core/keeping/phrase.ts';

/**
 * A copy of a backup in the 256 slots of the recovery phrase's owner key at the directory. Slot 0 holds the head; slots 1 to 127
 * and 128 to 254 hold the pieces of one copy each, in turn, so that the former one can be read until the head names the new:
 *
 *     record = nonce (12) ‖ ChaCha20-Poly1305(key, nonce, AD = slot (1) ‖ revision (8), plaintext)      4,096 or 65,536 bytes
 *     head   = version (1) ‖ half (1) ‖ pieces (1) ‖ length of the file (4) ‖ revision of the pieces (8) ‖ made at, ms (8) ‖ used (2) ‖ zeros
 *     piece  = the file's next 65,508 bytes, the last one filled with zeros
 *
 * `used`: how many slots of each half may hold something, as far as who wrote the head knew. So the directory learns how many pieces there are, and when.
 */
const HEAD_SLOT = 0;
const HEAD_LENGTH = 4096;
const PIECE_LENGTH = 65_536;
const OVERHEAD = AEAD_NONCE_LENGTH + AEAD_TAG_LENGTH;
const ROOM = PIECE_LENGTH - OVERHEAD;
export const MOST_PIECES = 127;
/** Bytes of a file that has room. */
export const MAX_COPY_BYTES = MOST_PIECES * ROOM;

const headCodec = versioned(
  1,
  struct({ half: u8, pieces: u8, length: u32, revision: u64, madeAt: u64, used: fixed(2) }),
);
export type Head = Value<typeof headCodec>;

export type Asking = {
  rng: Rng;
  ask: (request: RequestFor<'record'>) => Promise<DirectoryResponse>;
  /** Resolves after so long. */
  pause: (ms: Millis) => Promise<void>;
};

/** Each request goes over a circuit, which may break, and the directory has its limits. */
const TRIES = 5;
const PAUSE_MS: Millis = 3000;
/** What another try would not change. */
const FINAL: readonly string[] = ['not-found', 'stale', 'bad-signature', 'malformed', 'finished'];

const firstSlot = (half: number): number => 1 + half * MOST_PIECES;

/** The copy that belongs to one recovery phrase. */
export class Copy {
  readonly #env: Asking;
  readonly #owner: ReturnType<typeof ownerOf>;
  readonly #key: Uint8Array;

  constructor(env: Asking, entropy: Uint8Array) {
    this.#env = env;
    this.#owner = ownerOf(entropy);
    this.#key = slotKey(entropy);
  }

  /** Undefined when there is none. Rejects with RemoteError, or LocalError `bad-backup`. */
  async head(): Promise<(Head & { at: number }) | undefined> {
    const found = await this.#get(HEAD_SLOT);
    if (!found?.plain) return undefined;
    const head = parsed(() => decode(headCodec, found.plain?.slice(0, HEAD_SIZE) ?? new Uint8Array()));
    if (head.half > 1 || head.pieces > MOST_PIECES || head.length > head.pieces * ROOM) throw damaged();
    return { ...head, at: found.revision };
  }

  /** The file. Rejects as `head`, and with LocalError `not-found`. */
  async fetch(): Promise<Uint8Array> {
    const head = await this.head();
    if (!head)
      throw new LocalError(
        'not-found',
        'the server keeps no copy for these words: compare them, or use a file',
      );
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < head.pieces; at++) {
      const piece = await this.#get(firstSlot(head.half) + at);
      if (!piece?.plain || piece.revision !== head.revision) throw damaged();
      pieces.push(piece.plain);
    }
    return concat(...pieces).slice(0, head.length);
  }

  /** Puts `file` in the place of the former copy. Rejects with RemoteError, or LocalError `oversized`. */
  async put(file: Uint8Array, now: Millis): Promise<void> {
    if (file.length > MAX_COPY_BYTES) throw new LocalError('oversized');
    const former = await this.#standing();
    const half = former.half === 0 ? 1 : 0;
    const revision = Math.max(now, former.revision + 1);
    const pieces = Math.ceil(file.length / ROOM);
    for (let at = 0; at < pieces; at++) {
      const plain = new Uint8Array(ROOM);
      plain.set(file.subarray(at * ROOM, (at + 1) * ROOM));
      await this.#put(firstSlot(half) + at, revision, plain);
    }
    const used = former.used.slice();
    used[half] = Math.max(used[half] ?? 0, pieces);
    const head = encode(headCodec, { half, pieces, length: file.length, revision, madeAt: now, used });
    const plain = new Uint8Array(HEAD_LENGTH - OVERHEAD);
    plain.set(head);
    await this.#put(HEAD_SLOT, revision, plain);
  }

  /** Nothing is left but that something was there. The head goes first, so that what is half erased is not read. */
  async erase(now: Millis): Promise<void> {
    const { revision: last, used } = await this.#standing();
    if (last === 0) return;
    const revision = Math.max(now, last + 1);
    await this.#put(HEAD_SLOT, revision, undefined);
    for (const half of [0, 1])
      for (let at = 0; at < MOST_PIECES; at++) {
        const slot = firstSlot(half) + at;
        // Slots are filled from the first one on, also by a copy that broke off before a head knew of it.
        const found = at < (used[half] ?? 0) || (await this.#get(slot, false));
        if (!found) break;
        if (found === true || !found.erased) await this.#put(slot, revision, undefined);
      }
  }

  /**
   * Which half the head says is in use, how much of each it knows of, and the last revision that stands anywhere: also that of
   * a copy that broke off, whose first piece is its latest, and of what was erased. 0: nothing ever stood there.
   */
  async #standing(): Promise<{ half: number; used: Uint8Array; revision: number }> {
    const revisions: number[] = [];
    for (const slot of [HEAD_SLOT, firstSlot(0), firstSlot(1)])
      revisions.push((await this.#get(slot, false))?.revision ?? 0);
    const revision = Math.max(...revisions);
    try {
      const { half = 0, used = new Uint8Array(2) } = (await this.head()) ?? {};
      return { half, used, revision };
    } catch (error) {
      if (codeOf(error) !== 'bad-backup') throw error;
      return { half: 0, used: new Uint8Array(2), revision };
    }
  }

  /** Without `opens` it is not looked into. */
  async #get(
    slot: number,
    opens = true,
  ): Promise<{ revision: number; erased: boolean; plain: Uint8Array | undefined } | undefined> {
    const id = recordId(this.#owner.public, slot);
    const record = await this.#patiently({ type: 'get-record', recordId: id });
    if (!record) return undefined;
    if (record.type !== 'record' || !equal(record.key, this.#owner.public) || record.slot !== slot)
      throw new RemoteError('unexpected', 'not the record that was asked for');
    if (!verifyRecord(record)) throw new RemoteError('bad-signature');
    const { revision, blob } = record;
    const erased = blob.length === 0;
    if (erased || !opens) return { revision, erased, plain: undefined };
    const [nonce, sealed] = [blob.slice(0, AEAD_NONCE_LENGTH), blob.slice(AEAD_NONCE_LENGTH)];
    return { revision, erased, plain: parsed(() => open(this.#key, nonce, sealed, over(slot, revision))) };
  }

  async #put(slot: number, revision: number, plain: Uint8Array | undefined): Promise<void> {
    const nonce = this.#env.rng(AEAD_NONCE_LENGTH);
    const blob = plain
      ? concat(nonce, seal(this.#key, nonce, plain, over(slot, revision)))
      : new Uint8Array(0);
    await this.#patiently({ type: 'put-record', ...signRecord(this.#owner, { slot, revision, blob }) });
  }

  /** Undefined for `not-found`. */
  async #patiently(request: RequestFor<'record'>): Promise<DirectoryResponse | undefined> {
    for (let left = TRIES; ; left--) {
      try {
        return await this.#env.ask(request);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'not-found' && request.type === 'get-record') return undefined;
        if (left === 1 || FINAL.includes(code)) throw error;
        await this.#env.pause(PAUSE_MS);
      }
    }
  }
}

/** Bytes of a head before its zeros. */
const HEAD_SIZE = 1 + 1 + 1 + 4 + 8 + 8 + 2;

const over = (slot: number, revision: number): Uint8Array => concat(encode(u8, slot), encode(u64, revision));

const damaged = (): LocalError =>
  new LocalError('bad-backup', 'the copy at the server is not whole: try again in a moment, or use a file');

const parsed = <T>(read: () => T): T => {
  try {
    return read();
  } catch {
    throw damaged();
  }
};

import { randomBytes } from 'node:crypto';
import { hex } from '#shared/bytes/bytes.ts';
import type { Answer } from '#shared/node/directory-circuit.ts';
import type { DirectoryRequest } from '#shared/directory/messages.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { MAIL_ID_LENGTH, mailboxId, signAcknowledge, signCollect } from '#shared/directory/mail.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { DirectoryPeer, type DirectoryTarget } from './directory-peer.ts';

const PAUSE_MS = 50;

/** Somebody who asks until there is an answer: over a new circuit when one is gone or has asked enough. */
export class Asker {
  readonly #target: DirectoryTarget;
  #peer: DirectoryPeer | undefined;

  constructor(target: DirectoryTarget) {
    this.#target = target;
  }

  /** The answer to what `make` makes for the circuit of the moment. Codes in `final` are answers too. */
  async ask(
    make: (peer: DirectoryPeer) => DirectoryRequest,
    { limitMs = 60_000, final = [] as string[] } = {},
  ): Promise<Answer> {
    const end = Date.now() + limitMs;
    for (;;) {
      const answer = await this.#try(make);
      if (!('code' in answer) || final.includes(answer.code)) return answer;
      if (Date.now() > end) throw new Error(`no answer but ${answer.code} within ${String(limitMs)} ms`);
      this.#peer?.close();
      this.#peer = undefined;
      if (answer.code !== 'too-many') await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  close(): void {
    this.#peer?.close();
  }

  async #try(make: (peer: DirectoryPeer) => DirectoryRequest): Promise<Answer> {
    try {
      this.#peer ??= await DirectoryPeer.open(this.#target);
      return await this.#peer.ask(make(this.#peer));
    } catch {
      return { code: 'unreachable' };
    }
  }
}

export type Letter = { mailbox: Uint8Array; id: Uint8Array; blob: Uint8Array };

export const newMailbox = (): SignKeypair => signKeypair(new Uint8Array(randomBytes(32)));

export const letterTo = (mailbox: SignKeypair): Letter => ({
  mailbox: mailboxId(mailbox.public),
  id: new Uint8Array(randomBytes(MAIL_ID_LENGTH)),
  blob: new Uint8Array(randomBytes(BLOB_SIZES[0])),
});

/** Collects and acknowledges until nothing is left: hex of the blobs by hex of the ids. Throws when one comes twice. */
export const collectAll = async (asker: Asker, mailbox: SignKeypair): Promise<Map<string, string>> => {
  const all = new Map<string, string>();
  for (;;) {
    const answer = await asker.ask(({ binding }) => signCollect(mailbox, binding));
    if (!('type' in answer) || answer.type !== 'mail') throw new Error('not an answer to a collection');
    if (answer.messages.length === 0) return all;
    for (const { id, blob } of answer.messages) {
      if (all.has(hex(id))) throw new Error('a message came twice');
      all.set(hex(id), hex(blob));
    }
    const ids = answer.messages.map(({ id }) => id);
    await asker.ask(({ binding }) => signAcknowledge(mailbox, binding, ids));
  }
};

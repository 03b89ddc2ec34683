import { concat } from '#shared/bytes/bytes.ts';
import { encode, u16 } from '#shared/bytes/codec.ts';
import { cellCommand, relayCommand, type CellCommand, type RelayCommand } from '#shared/cell/commands.ts';
import { encodeCell } from '#shared/cell/codec.ts';
import { BODY_LENGTH, CELL_LENGTH } from '#shared/cell/geometry.ts';
import { encodeRelay } from '#shared/cell/relay.ts';
import { signAcknowledge, signCollect } from '#shared/directory/mail.ts';
import {
  pushCodec,
  requestCodec,
  responseCodec,
  signHeartbeat,
  signLeave,
  signRegister,
} from '#shared/directory/messages.ts';
import { signHandle, signRecord } from '#shared/directory/records.ts';
import { signConsensus } from '#shared/directory/consensus.ts';
import { encodeKeepalive } from '#shared/link/keepalive.ts';
import { sessionCodec } from '#shared/signal/session.ts';
import { encodeTicket } from '#shared/rendezvous/ticket.ts';
import { signInboxOpen } from '#shared/rendezvous/inbox.ts';
import { sealOffer } from '#shared/signal/seal.ts';
import type { CircuitId, StreamId } from '#shared/units.ts';
import { consensusOf, directoryKeys, listedNodes, NOW, realNode } from '#tests/support/sample-network.ts';

/** A quick source of chance for tests: mulberry32. The same seed gives the same run. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(n: number): number {
    return this.u32() % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.u32();
      for (let j = i; j < Math.min(length, i + 4); j++) out[j] = word >>> (8 * (j - i));
    }
    return out;
  }

  /** Some bytes changed, cut off, repeated or put in. */
  mutate(bytes: Uint8Array): Uint8Array {
    const at = this.below(bytes.length + 1);
    switch (this.below(6)) {
      case 0:
        return bytes.slice(0, at);
      case 1:
        return concat(bytes, this.bytes(this.below(40)));
      case 2:
        return concat(bytes.subarray(0, at), this.bytes(1 + this.below(8)), bytes.subarray(at));
      case 3:
        return concat(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + this.below(8))));
      default: {
        const out = bytes.slice();
        for (let n = 1 + this.below(4); n > 0 && out.length > 0; n--)
          out[this.below(out.length)] = this.u32();
        return out;
      }
    }
  }
}

const cellCommands = Object.values(cellCommand);
const relayCommands = Object.values(relayCommand);

const lyingKeepalive = (chance: Chance): Uint8Array =>
  encodeKeepalive({
    kind: chance.pick(['ack', 'ping', 'pong'] as const),
    received: chance.below(3),
    heldUs: chance.u32(),
    token: chance.below(4),
  });

/** Random bytes that begin as the first fragment of something does. */
const beginning = (chance: Chance, length: number): Uint8Array => {
  const body = chance.bytes(length);
  if (length > 4) new DataView(body.buffer).setUint32(0, length - 4 + chance.pick([0, 0, 1, 108, 100_000]));
  return body;
};

const linkCommands: readonly CellCommand[] = [cellCommand.KEEPALIVE, cellCommand.PADDING, cellCommand.GOSSIP];
const circuitCommands = cellCommands.filter((command) => !linkCommands.includes(command));

/** A cell of the right form with anything in it; `known`: ids of circuits that are there. */
export const anyCell = (chance: Chance, known: readonly CircuitId[]): Uint8Array => {
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  if (chance.below(300) === 0) {
    const command = chance.pick(linkCommands);
    const body = chance.below(4) > 0 ? lyingKeepalive(chance) : chance.bytes(chance.below(40));
    return encodeCell({ circuit: 0 as CircuitId, command, body }, zeros);
  }
  const command: CellCommand = chance.pick(circuitCommands);
  const circuit =
    known.length > 0 && chance.below(3) > 0 ? chance.pick(known) : ((chance.u32() | 1) as CircuitId);
  const lengths = [0, 1, 17, 1077, 1094, 1111, 1128, BODY_LENGTH, chance.below(BODY_LENGTH + 1)];
  return encodeCell({ circuit, command, body: beginning(chance, chance.pick(lengths)) }, zeros);
};

/** A relay message of the right form with anything in it. */
export const anyRelay = (chance: Chance): { command: RelayCommand; data: Uint8Array; stream: StreamId } => {
  const data = chance.bytes(chance.pick([0, 1, 2, 8, 20, 300, 1040]));
  // Often a fragment that says something believable of itself.
  if (data.length > 4 && chance.below(2) === 0) {
    const rest = data.length - 4 + chance.pick([0, 0, 1, 400, 100_000]);
    new DataView(data.buffer).setUint32(0, rest);
  }
  const stream = chance.pick([0, 0, 0, 1, 2, 3, chance.below(65_536)]) as StreamId;
  const command = chance.pick(relayCommands);
  // Else few were long enough to mean anything.
  const isGrant = command === relayCommand.CREDIT && chance.below(2) === 0;
  return { command, data: isGrant ? encode(u16, chance.below(600)) : data, stream };
};

/** A ticket of any kind that says anything; `epoch`: one that is known. */
export const anyTicket = (chance: Chance, epoch: number): Uint8Array => {
  const said = { epoch: chance.pick([epoch, epoch, chance.u32()]), proof: chance.bytes(256) };
  const [nullifier, threshold] = [BigInt(chance.below(20)), chance.pick([3, 6, 9, 12, chance.below(256)])];
  switch (chance.below(5)) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return chance.bytes(chance.below(513));
    case 2:
      return encodeTicket({ type: 'work', work: chance.u32(), epoch: said.epoch + 1 });
    default:
      return encodeTicket({ type: 'proof', ...said, nullifier, threshold });
  }
};

/** Valid messages of every kind, to be mutated. */
export const validMessages = (): Uint8Array[] => {
  const chance = new Chance(7);
  const node = realNode('fuzz');
  const { secret } = node.keys;
  const [binding, key, signature] = [chance.bytes(32), chance.bytes(32), chance.bytes(64)];
  const published = { blindedKey: key, period: 20_000, revision: 3, blob: chance.bytes(16_384), signature };
  const session = {
    kind: 'offer',
    ufrag: 'abcd',
    pwd: 'abcdefghijklmnopqrstuv',
    fingerprint: chance.bytes(32),
    setup: 'actpass',
    candidates: [{ address: '10.0.0.1', port: 9, type: 'host', priority: 1 }],
  } as const;
  const from = { id: node.descriptor.id, secret };
  const to = { to: node.descriptor.id, toKey: node.signalling.public };
  const { sealed } = sealOffer((length) => chance.bytes(length), {
    ...{ ...to, reply: chance.bytes(16), from, now: NOW },
    session: { ...session, candidates: [...session.candidates] },
  });
  const consensus = signConsensus(directoryKeys.secret, consensusOf(listedNodes(3)));
  const beat = { node: node.descriptor.id, epoch: 500_000, counter: 1, load: 0 };
  const blob = chance.bytes(4096);
  const record = signRecord(node.keys, { slot: 3, revision: 4, blob });
  const handle = signHandle(node.keys, { name: 'fuzz', revision: NOW, content: chance.bytes(40) });
  return [
    node.bytes,
    consensus,
    sealed,
    encode(sessionCodec, { ...session, candidates: [...session.candidates] }),
    encode(requestCodec, signRegister(secret, binding, node.bytes)),
    encode(requestCodec, signHeartbeat(secret, binding, beat)),
    encode(requestCodec, signLeave(secret, binding, beat)),
    encode(requestCodec, { type: 'listen', reply: chance.bytes(16) }),
    encode(requestCodec, { type: 'signal', to: chance.bytes(16), sealed }),
    encode(requestCodec, { type: 'publish', ...published }),
    encode(requestCodec, { type: 'lookup', descriptorId: key }),
    encode(requestCodec, { type: 'deposit', mailbox: key, id: binding.slice(16), blob }),
    encode(requestCodec, signCollect(node.keys, binding)),
    encode(requestCodec, signAcknowledge(node.keys, binding, [chance.bytes(16), chance.bytes(16)])),
    encode(requestCodec, { type: 'put-record', ...record }),
    encode(requestCodec, { type: 'get-record', recordId: key }),
    encode(requestCodec, { type: 'put-handle', ...handle }),
    encode(requestCodec, { type: 'get-handle', name: handle.name }),
    encode(responseCodec, { type: 'ok' }),
    encode(responseCodec, { type: 'error', code: 'stale' }),
    encode(responseCodec, { type: 'descriptor', ...published }),
    encode(responseCodec, { type: 'consensus', bytes: consensus }),
    encode(responseCodec, {
      type: 'mail',
      state: { more: true, woken: true },
      messages: [{ id: binding.slice(16), blob }],
    }),
    encode(responseCodec, { type: 'record', ...record }),
    encode(responseCodec, { type: 'handle', ...handle }),
    encode(responseCodec, { type: 'work', bits: 20 }),
    encode(pushCodec, { type: 'signal', sealed }),
    encode(pushCodec, { type: 'mail', mailbox: key }),
    encodeKeepalive({ kind: 'pong', received: 3, heldUs: 5, token: 1 }),
    encodeTicket({ type: 'work', work: 7, epoch: 500_000 }),
    encodeTicket({ type: 'proof', epoch: 499_999, threshold: 3, nullifier: 5n, proof: chance.bytes(256) }),
    signInboxOpen(node.keys, binding, chance.bytes(40)),
    encodeRelay({ stream: 1 as StreamId, command: relayCommand.DATA, data: chance.bytes(9) }, 1060),
    chance.bytes(CELL_LENGTH),
    chance.bytes(1249),
  ];
};

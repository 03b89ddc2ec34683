import { cellCommand } from '#shared/cell/commands.ts';
import { MAX_HOPS, capacity } from '#shared/cell/geometry.ts';
import { dhKeypair } from '#shared/crypto/dh.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { encodeExtensions } from '#shared/handshake/extensions.ts';
import { respond, start } from '#shared/handshake/ntor.ts';
import { Sealer } from '#shared/onion/layer.ts';
import { OnionStack } from '#shared/onion/stack.ts';

/** `initiatorSeed` and `responderSeed` give each side's draws; x and the ML-KEM seed, y and the encapsulation's. */
export const handshakeVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(5));
  return [1, MAX_HOPS].map((hop) => {
    const id = rng(32);
    const onionKey = dhKeypair(rng(32));
    const [initiatorSeed, responderSeed] = [rng(32), rng(32)];
    const extensions = encodeExtensions({ hop });
    const { onionskin } = start(seededRng(initiatorSeed), { id, onionKey: onionKey.public }, extensions);
    const { reply, keys } = respond(seededRng(responderSeed), { id, onionKeys: [onionKey] }, onionskin);
    return { id, onionKey, initiatorSeed, responderSeed, extensions, onionskin, reply, keys };
  });
};

/** Cells of one circuit in order: forward bodies on link 1, and backward ones as they arrive there. */
export const onionVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(6));
  const keys = Array.from({ length: MAX_HOPS }, () => ({
    forward: rng(32),
    backward: rng(32),
    binding: rng(32),
  }));
  const stack = new OnionStack();
  for (const each of keys) stack.add(each);
  const backward = keys.map((each) => new Sealer(each.backward, 'backward'));
  const cells = [1, 3, 3, 5].map((hop, i) => {
    const command = i === 0 ? cellCommand.RELAY_EARLY : cellCommand.RELAY;
    const message = rng(capacity(hop));
    const answer = rng(capacity(hop));
    const answered = backward
      .slice(0, hop)
      .reduceRight<Uint8Array>(
        (inner, sealer, at) => sealer.seal(at === hop - 1 ? 'deliver' : 'pass', cellCommand.RELAY, inner),
        answer,
      );
    return {
      hop,
      command,
      message,
      forward: stack.sealTo(hop, command, message),
      answer,
      backward: answered,
    };
  });
  return { keys, cells };
};

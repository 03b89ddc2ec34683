import { text } from '#shared/bytes/bytes.ts';
import { blindKeypair, blindingFactor, signBlinded } from '#shared/crypto/blind.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { sign, signKeypair } from '#shared/crypto/sign.ts';

const LABEL = 'hourglass vector 1';

export const signatureVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(1));
  return [[], [''], ['one'], ['one', 'two'], ['onetwo']].map((parts) => {
    const pair = signKeypair(rng(32));
    const bytes = parts.map(text);
    return { label: LABEL, parts: bytes, ...pair, signature: sign(LABEL, pair.secret, ...bytes) };
  });
};

export const blindingVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(2));
  return [0, 20_000, 20_001].map((period) => {
    const identity = signKeypair(rng(32));
    const factor = blindingFactor(identity.public, period);
    const blinded = blindKeypair(identity.secret, factor);
    const message = rng(20);
    return {
      period,
      identity,
      factor,
      blinded,
      label: LABEL,
      message,
      signature: signBlinded(LABEL, blinded, message),
    };
  });
};

import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { fingerprint, safetyNumber } from '#web/core/contacts/safety.ts';

export const safetyVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(7));
  const party = (): { address: Uint8Array; key: Uint8Array } => ({
    address: signKeypair(rng(32)).public,
    key: signKeypair(rng(32)).public,
  });
  return Array.from({ length: 3 }, () => {
    const [a, b] = [party(), party()];
    const both = [a, b].map((each) => ({ ...each, fingerprint: fingerprint(each) }));
    return { parties: both, ...safetyNumber(a, b) };
  });
};

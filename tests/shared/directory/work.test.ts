import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { searchWork, workBits } from '#shared/crypto/work.ts';
import { registrationChallenge } from '#shared/directory/work.ts';
import { nodeIdBytes } from '#shared/units.ts';
import { idOf, seed } from '#tests/support/sample-network.ts';

const [binding, node] = [seed('binding'), idOf('ada')];

describe('the work of a registration', () => {
  it('is over its label, circuit and node', () => {
    const hash = createHash('sha256').update(text('hourglass admission work 1')).update(binding);
    const digest = hash
      .update(nodeIdBytes(node))
      .update(Buffer.from('00000000000003e8', 'hex'))
      .digest('hex');
    const zeros = BigInt(`0x1${digest}`).toString(2).slice(1).indexOf('1');
    expect(workBits(registrationChallenge(binding, node), 1000)).toBe(zeros);
  });

  it('is worth nothing on another circuit, or for another node', () => {
    const found = searchWork(registrationChallenge(binding, node), 16, 0, 2_000_000);
    if (!('work' in found)) throw new Error('not found');
    for (const other of [
      registrationChallenge(seed('another circuit'), node),
      registrationChallenge(binding, idOf('bob')),
    ])
      expect(workBits(other, found.work)).toBeLessThan(16);
  });
});

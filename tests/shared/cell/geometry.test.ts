import { describe, expect, it } from 'vitest';
import {
  CONTACT_HOP,
  EXIT_HOP,
  LAYER_OVERHEAD,
  MAX_HOPS,
  ONIONSKIN_LENGTH,
  RELAY_HEADER,
  REPLY_LENGTH,
  capacity,
  dataRoom,
  usedLength,
} from '#shared/cell/geometry.ts';

describe('geometry', () => {
  it('has the sizes that the protocol states', () => {
    expect([1, 2, 3, 4, 5].map(capacity)).toEqual([1128, 1111, 1094, 1077, 1060]);
    expect([1, 2, 3, 4].map(usedLength)).toEqual([1145, 1128, 1111, 1094]);
    expect(dataRoom(EXIT_HOP)).toBe(1089);
    expect(ONIONSKIN_LENGTH).toBe(1249);
    expect(REPLY_LENGTH).toBe(1136);
  });

  it('puts a bridged cell into the data of the inbox circuit', () => {
    const onInbox = capacity(CONTACT_HOP) + LAYER_OVERHEAD + RELAY_HEADER + EXIT_HOP * LAYER_OVERHEAD;
    expect(onInbox).toBe(1133);
    expect(onInbox).toBeLessThanOrEqual(usedLength(1));
  });

  it('gives each hop what the link before it carries, less a layer', () => {
    for (let hop = 1; hop <= MAX_HOPS; hop++) expect(capacity(hop)).toBe(usedLength(hop) - LAYER_OVERHEAD);
  });
});

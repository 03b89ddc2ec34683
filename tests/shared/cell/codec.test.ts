import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { type Cell, decodeCells, encodeCell } from '#shared/cell/codec.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import { BODY_LENGTH, CELLS_PER_MESSAGE, CELL_HEADER, CELL_LENGTH } from '#shared/cell/geometry.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import type { CircuitId } from '#shared/units.ts';
import { anyBytes, anyRng } from '#tests/support/arbitrary.ts';
import { misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const { PADDING, KEEPALIVE, GOSSIP, CREATE, CREATED, RELAY, RELAY_EARLY, DESTROY } = cellCommand;
const circuitId = (n: number): CircuitId => n as CircuitId;

const anyCell: fc.Arbitrary<Cell> = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constant(0), fc.constantFrom(PADDING, KEEPALIVE, GOSSIP)),
      fc.tuple(
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.constantFrom(CREATE, CREATED, RELAY, RELAY_EARLY, DESTROY),
      ),
    ),
    fc.oneof(anyBytes(0, 40), anyBytes(BODY_LENGTH - 2, BODY_LENGTH)),
  )
  .map(([[circuit, command], body]) => ({ circuit: circuitId(circuit), command, body }));

const oneCell = (circuit: number, command: number, used: number): Uint8Array => {
  const cell = new Uint8Array(CELL_LENGTH);
  const view = new DataView(cell.buffer);
  view.setUint32(0, circuit);
  view.setUint8(4, command);
  view.setUint16(5, used);
  return cell;
};

describe('cells', () => {
  it('round trip, alone and together', () => {
    fc.assert(
      fc.property(anyRng, fc.array(anyCell, { minLength: 1, maxLength: CELLS_PER_MESSAGE }), (rng, cells) => {
        const encoded = cells.map((cell) => encodeCell(cell, rng));
        for (const each of encoded) expect(each.length).toBe(CELL_LENGTH);
        expect(decodeCells(concat(...encoded))).toEqual(cells);
      }),
      runs(100),
    );
  });

  it('decode at any offset of a larger buffer', () => {
    const cell = { circuit: circuitId(0x80000001), command: RELAY, body: new Uint8Array([1, 2, 3]) };
    const padded = concat(new Uint8Array(3), encodeCell(cell, seededRng(new Uint8Array(32))));
    expect(decodeCells(padded.subarray(3))).toEqual([cell]);
  });

  it('are random after the used part, in one draw of just that length', () => {
    const draws: number[] = [];
    const rng = (length: number) => {
      draws.push(length);
      return new Uint8Array(length).fill(0xaa);
    };
    const cell = encodeCell({ circuit: circuitId(1), command: RELAY, body: new Uint8Array(5) }, rng);
    expect(draws).toEqual([BODY_LENGTH - 5]);
    expect(cell.subarray(CELL_HEADER + 5).every((byte) => byte === 0xaa)).toBe(true);
    encodeCell({ circuit: circuitId(1), command: RELAY, body: new Uint8Array(BODY_LENGTH) }, rng);
    expect(draws.length).toBe(1);
  });

  it('are refused in any but 1 to 14 whole ones', () => {
    const one = oneCell(1, RELAY, 0);
    for (const length of [0, 1, CELL_LENGTH - 1, CELL_LENGTH + 1]) {
      expect(refusalOf(() => decodeCells(new Uint8Array(length)))).toBe('malformed');
    }
    const fill = (n: number) => concat(...new Array<Uint8Array>(n).fill(one));
    expect(decodeCells(fill(CELLS_PER_MESSAGE)).length).toBe(CELLS_PER_MESSAGE);
    expect(refusalOf(() => decodeCells(fill(CELLS_PER_MESSAGE + 1)))).toBe('malformed');
  });

  it('are refused when a field lies', () => {
    expect(refusalOf(() => decodeCells(oneCell(1, RELAY, BODY_LENGTH)))).toBeUndefined();
    expect(refusalOf(() => decodeCells(oneCell(1, RELAY, BODY_LENGTH + 1)))).toBe('malformed');
    expect(refusalOf(() => decodeCells(oneCell(1, 8, 0)))).toBe('malformed');
    expect(refusalOf(() => decodeCells(oneCell(0, RELAY, 0)))).toBe('malformed');
    expect(refusalOf(() => decodeCells(oneCell(1, PADDING, 0)))).toBe('malformed');
    expect(refusalOf(() => decodeCells(oneCell(1, KEEPALIVE, 0)))).toBe('malformed');
    expect(refusalOf(() => decodeCells(oneCell(1, GOSSIP, 0)))).toBe('malformed');
  });

  it('of any bytes are taken or refused', () => {
    fc.assert(
      fc.property(anyBytes(CELL_HEADER), fc.integer({ min: 1, max: 3 }), (header, count) => {
        const message = new Uint8Array(count * CELL_LENGTH);
        message.set(header, (count - 1) * CELL_LENGTH);
        message[4] = RELAY;
        message[0] = 1;
        expect([undefined, 'malformed']).toContain(refusalOf(() => decodeCells(message)));
      }),
      runs(300),
    );
  });

  it('that cannot be sent are not encoded', () => {
    const rng = seededRng(new Uint8Array(32));
    const body = new Uint8Array(0);
    const bad: Cell[] = [
      { circuit: circuitId(1), command: RELAY, body: new Uint8Array(BODY_LENGTH + 1) },
      { circuit: circuitId(0), command: RELAY, body },
      { circuit: circuitId(1), command: PADDING, body },
    ];
    for (const cell of bad) expect(misuseOf(() => encodeCell(cell, rng))).toBe('internal');
  });
});

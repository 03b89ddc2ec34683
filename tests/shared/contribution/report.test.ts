import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { SLOTS } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { loopCount, MOST_AUDITED, MOST_REPORTED, slotTargets } from '#shared/contribution/plan.ts';
import { epochReportCodec, recompute, type EpochReport } from '#shared/contribution/report.ts';
import { scoresOf } from '#shared/contribution/scores.ts';
import { MAX_REPORT_BYTES } from '#shared/directory/audit.ts';
import { nodeId } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, flipped, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: 'passed' }),
  fc.constant<Outcome>({ kind: 'unrun' }),
  fc.record({
    kind: fc.constant('failed' as const),
    fault: fc.constantFrom('unbuilt' as const, 'lost' as const, 'late' as const),
    suspects: fc.integer({ min: 1, max: 15 }),
  }),
);

const anyReport = (most: number): fc.Arbitrary<EpochReport> =>
  fc.uniqueArray(anyBytes(32).map(nodeId), { maxLength: most, size: 'max' }).chain((ids) => {
    const nodes = [...ids].sort();
    const slot = fc.subarray(nodes.map((_, place) => place)).chain((places) =>
      fc.record({
        nodes: fc.constant(places),
        outcomes: fc.array(anyOutcome, {
          minLength: loopCount(places.length),
          maxLength: loopCount(places.length),
        }),
      }),
    );
    return fc.record({
      epoch: fc.nat(0xffff_ffff),
      seed: anyBytes(32),
      nodes: fc.constant(nodes),
      slots: fc.array(slot, { minLength: SLOTS, maxLength: SLOTS }),
    });
  });

/** Nodes of which each slot has the same ones; all loops passed. */
const reportOf = (nodes: number, here = nodes): EpochReport => ({
  epoch: 3,
  seed: new Uint8Array(32).fill(5),
  nodes: Array.from({ length: nodes }, (_, node) => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setUint32(0, node);
    return nodeId(id);
  }),
  slots: Array.from({ length: SLOTS }, () => ({
    nodes: Array.from({ length: here }, (_, place) => place),
    outcomes: Array.from({ length: loopCount(here) }, (): Outcome => ({ kind: 'passed' })),
  })),
});

describe('the report of an epoch', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(anyReport(20), (report) => {
        const bytes = encode(epochReportCodec, report);
        expect(decode(epochReportCodec, bytes)).toEqual(report);
      }),
      runs(100),
    );
  });

  it('is refused or reads as the same bytes, whatever they are', () => {
    fc.assert(
      fc.property(anyReport(9), fc.nat(), fc.nat(7), anyBytes(0, 100), (report, at, bit, noise) => {
        const bytes = encode(epochReportCodec, report);
        for (const any of [
          flipped(bytes, at % bytes.length, bit),
          noise,
          bytes.subarray(0, at % bytes.length),
        ]) {
          expectOnlyRefusals((body) => {
            expect(encode(epochReportCodec, decode(epochReportCodec, body))).toEqual(body);
          }, any);
        }
      }),
      runs(200),
    );
  });

  it('refuses nodes out of order, places that no node has, more nodes than a slot may have', () => {
    const bytes = encode(epochReportCodec, reportOf(9));
    const read = (body: Uint8Array) => (): unknown => decode(epochReportCodec, body);
    expect(refusalOf(read(bytes))).toBeUndefined();
    expect(refusalOf(read(flipped(bytes, 1 + 4 + 32 + 4)))).toBe('malformed');
    const secondOfBits = 1 + 4 + 32 + 4 + 9 * 32 + 1;
    expect(refusalOf(read(flipped(bytes, secondOfBits, 3)))).toBe('malformed');
    expect(refusalOf(read(flipped(bytes, 0, 3)))).toBe('bad-version');
    const crowded = encode(epochReportCodec, reportOf(MOST_AUDITED + 1));
    expect(refusalOf(read(crowded))).toBe('oversized');
  });

  it('is not written with another number of outcomes than there are loops', () => {
    const report = reportOf(9);
    const [first, ...rest] = report.slots;
    const slots = [{ nodes: first?.nodes ?? [], outcomes: [] }, ...rest];
    expect(misuseOf(() => encode(epochReportCodec, { ...report, slots }))).toBe('internal');
  });

  it('fits in what the directory sends, though each slot had other nodes and as many as there can be', () => {
    const head = 1 + 4 + 32 + 4;
    const slot = MOST_REPORTED / 8 + loopCount(MOST_AUDITED);
    expect(head + 32 * MOST_REPORTED + SLOTS * slot).toBeLessThanOrEqual(MAX_REPORT_BYTES);
  });

  it('gives the scores to anybody', () => {
    fc.assert(
      fc.property(anyReport(20), ({ epoch, seed, nodes, slots }) => {
        const loops = slots.map(({ nodes: places, outcomes }, slot) =>
          slotTargets({ seed, epoch, slot }, places).map((targets, at) => ({
            targets,
            outcome: outcomes[at] as Outcome,
          })),
        );
        const read = decode(epochReportCodec, encode(epochReportCodec, { epoch, seed, nodes, slots }));
        expect(recompute(read)).toEqual(scoresOf(nodes.length, loops));
      }),
      runs(30),
    );
  });
});

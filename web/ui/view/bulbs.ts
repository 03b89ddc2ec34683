/** The geometry of the circuit view: two bulbs in a box of 352 × 412, joined at a neck 12 wide. */
import type { HopView } from '#web/api.ts';

export type Point = { x: number; y: number };
export type HopPoint = Point & { hop: HopView; number: number; radius: number; labelLeft: boolean };

export const box = { width: 352, height: 412 };
export const you: Point = { x: 176, y: 36 };
export const neck: Point = { x: 176, y: 206 };
export const peer: Point = { x: 176, y: 378 };
export const upperBulb =
  'M42 15H310C310 104 198 140 183 192C182 196 182 201 182 206H170C170 201 170 196 169 192C154 140 42 104 42 15Z';
export const lowerBulb =
  'M42 397H310C310 308 198 272 183 220C182 216 182 211 182 206H170C170 211 170 216 169 220C154 272 42 308 42 397Z';

/** Hops on this side stand zig-zag between You and the neck; a meeting point stands in the neck itself. */
export function placeHops(hops: HopView[], total: number, mirrored = false): HopPoint[] {
  const above = Math.max(total, hops.filter((hop) => hop.role !== 'meeting-point').length);
  return hops.map((hop, i) => {
    const number = i + 1;
    if (hop.role === 'meeting-point') return { ...neck, hop, number, radius: 11, labelLeft: false };
    const along = above > 1 ? i / (above - 1) : 0.5;
    const left = i % 2 === 0;
    // The bulb narrows towards the neck, and the zig-zag with it.
    const swing = (left ? -1 : 1) * (mirrored ? -1 : 1) * (48 - 40 * along ** 1.6);
    return {
      x: neck.x + swing,
      y: 88 + 84 * along,
      hop,
      number,
      radius: along > 0.9 ? 10.5 : 12,
      labelLeft: left,
    };
  });
}

/** The other side's hops: as many as there must be, in places that mean nothing. */
export function placeHidden(count: number): Point[] {
  const places = [
    { x: 206, y: 262 },
    { x: 158, y: 297 },
    { x: 146, y: 336 },
  ];
  return count === 2 ? [places[0]!, { x: 152, y: 318 }] : places.slice(0, count);
}

/** A curve through the points that leaves and enters each of them going down. */
export function curve(points: Point[]): string {
  return points
    .map((p, i) => {
      const before = points[i - 1];
      if (!before) return `M${p.x} ${p.y}`;
      const half = (p.y - before.y) / 2;
      return `C${before.x} ${before.y + half} ${p.x} ${p.y - half} ${p.x} ${p.y}`;
    })
    .join('');
}

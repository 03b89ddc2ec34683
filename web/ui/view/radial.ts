/** Places of the network picture. The angle comes from the node id alone, so nothing moves between two looks. */

export type Spot = { x: number; y: number; angle: number };

export const centre = 290;
export const innerRing = 122;
export const outerRing = 214;
/** Width of a letter, of the size of its text: rather more than it is on average. */
const LETTER = 0.58;

function angleOf(id: string): number {
  // FNV-1a over the id: also fit for ids that are not spread evenly.
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0;
  return (((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32) * 2 * Math.PI;
}

export function at(angle: number, radius: number): Spot {
  return { x: centre + radius * Math.cos(angle), y: centre + radius * Math.sin(angle), angle };
}

/** Neighbours on the inner ring, pushed apart along it where their own angles are too close for a label. */
export function spread(ids: string[]): Map<string, Spot> {
  const placed = ids.map((id) => ({ id, angle: angleOf(id) })).sort((a, b) => a.angle - b.angle);
  const gap = Math.min(0.75, (2 * Math.PI) / Math.max(1, placed.length));
  for (let round = 0; round < 40; round++)
    placed.forEach((one, i) => {
      const next = placed[(i + 1) % placed.length]!;
      if (next === one) return;
      const turn = i + 1 === placed.length ? 2 * Math.PI : 0;
      const short = gap - (next.angle + turn - one.angle);
      if (short <= 0) return;
      one.angle -= short / 2;
      next.angle += short / 2;
    });
  return new Map(placed.map(({ id, angle }) => [id, at(angle, innerRing)]));
}

/** Where names of this size stand: beside their spots, away from the middle, a line further where one before is in the way. */
export function labels(named: { spot: Spot; text: string }[], size: number): { x: number; y: number }[] {
  const line = 1.2 * size;
  const placed: { x: number; y: number; half: number }[] = [];
  for (const { spot, text } of named) {
    const { x } = spot;
    const [first, step] = spot.y < centre ? [spot.y - 21, -line] : [spot.y + 30, line];
    const half = (text.length * size * LETTER) / 2;
    let y = first;
    while (placed.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < line))
      y += step;
    placed.push({ x, y, half });
  }
  return placed;
}

/** A known node outside: its dot's place and size, both by its id. */
export function outer(id: string): Spot & { radius: number } {
  const angle = angleOf(id);
  const wobble = angleOf(`${id}r`) / (2 * Math.PI);
  return { ...at(angle, outerRing - 9 + 18 * wobble), radius: 3 + Math.round(wobble * 5) / 2 };
}

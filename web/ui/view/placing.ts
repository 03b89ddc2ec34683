type Size = { width: number; height: number };

const GAP = 6;
const EDGE = 8;

/** Where a box goes that belongs to `near`: below it if there is room, else above it, and never over the edge of the view. */
export function placed(near: DOMRectReadOnly, box: Size, view: Size): { x: number; y: number } {
  const below = near.bottom + GAP;
  const above = near.top - GAP - box.height;
  const fits = below + box.height <= view.height - EDGE;
  const y = fits || above < EDGE ? below : above;
  // To the side on which there is more of the view.
  const x = near.left + near.width / 2 > view.width / 2 ? near.right - box.width : near.left;
  const within = (at: number, length: number, whole: number): number =>
    Math.max(EDGE, Math.min(at, whole - length - EDGE));
  return { x: within(x, box.width, view.width), y: within(y, box.height, view.height) };
}

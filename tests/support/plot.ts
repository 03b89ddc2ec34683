/** Lines or dots over one pair of axes. */
export type Series = {
  /** As the legend has it; empty: not there. */
  name: string;
  kind: 'line' | 'dots';
  colour: 0 | 1 | 2 | 3;
  points: readonly [x: number, y: number][];
};
export type Axis = { label: string; ticks: readonly number[]; text(value: number): string };
export type Panel = { title: string; x: Axis; y: Axis; series: readonly Series[] };

const WIDTH = 336;
const HEIGHT = 330;
/** Where the axes stand within a panel. */
const BOX = { left: 62, right: 316, top: 36, bottom: 214 };
const LEGEND_TOP = 266;
const LEGEND_STEP = 16;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .axis { stroke: #59636e; } .grid { stroke: #d1d9e0; }
  .line { fill: none; stroke-width: 1.8; }
  .c0 { stroke: #0969da; color: #0969da; } .c1 { stroke: #bc4c00; color: #bc4c00; }
  .c2 { stroke: #1a7f37; color: #1a7f37; } .c3 { stroke: #8250df; color: #8250df; }
  .dot { fill: currentColor; stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .axis { stroke: #9198a1; } .grid { stroke: #3d444d; }
    .c0 { stroke: #4493f8; color: #4493f8; } .c1 { stroke: #f0883e; color: #f0883e; }
    .c2 { stroke: #3fb950; color: #3fb950; } .c3 { stroke: #ab7df8; color: #ab7df8; }
  }`;

const at = (value: number): string => value.toFixed(1);
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, what: string, more = ''): string =>
  `<text x="${at(x)}" y="${at(y)}"${more}>${escaped(what)}</text>`;
const stroke = (x1: number, y1: number, x2: number, y2: number, name: string): string =>
  `<line class="${name}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`;

const scale = ({ ticks }: Axis, from: number, to: number) => {
  const [least = 0, most = 1] = [ticks[0], ticks.at(-1)];
  return (value: number): number => from + ((value - least) / (most - least)) * (to - from);
};

const panel = ({ title, x, y, series }: Panel): string => {
  const across = scale(x, BOX.left, BOX.right);
  const up = scale(y, BOX.bottom, BOX.top);
  const middle = (BOX.left + BOX.right) / 2;
  const named = series.filter(({ name }) => name !== '');
  const drawn = series.flatMap(({ name, kind, colour, points }) => {
    const legend = LEGEND_TOP + LEGEND_STEP * named.findIndex((each) => each.name === name);
    const hue = `c${String(colour)}`;
    const places = points.map(([px, py]) => [across(px), up(py)] as const);
    const dots = (all: readonly (readonly [number, number])[]): string[] =>
      all.map(([cx, cy]) => `<circle class="dot ${hue}" cx="${at(cx)}" cy="${at(cy)}" r="3"/>`);
    const line = (all: string): string => `<polyline class="line ${hue}" points="${all}"/>`;
    const label = text(BOX.left + 26, legend + 4, name);
    if (kind === 'dots')
      return [...dots(places), ...(name === '' ? [] : [...dots([[BOX.left + 10, legend]]), label])];
    const sample = `${at(BOX.left)},${at(legend)} ${at(BOX.left + 20)},${at(legend)}`;
    return [line(places.map(([px, py]) => `${at(px)},${at(py)}`).join(' ')), line(sample), label];
  });
  return [
    text(BOX.left, 20, title, ' class="title"'),
    ...y.ticks.map((tick) => stroke(BOX.left, up(tick), BOX.right, up(tick), 'grid')),
    ...y.ticks.map((tick) => text(BOX.left - 6, up(tick) + 4, y.text(tick), ' text-anchor="end"')),
    stroke(BOX.left, BOX.bottom, BOX.right, BOX.bottom, 'axis'),
    ...x.ticks.map((tick) => text(across(tick), BOX.bottom + 16, x.text(tick), ' text-anchor="middle"')),
    text(middle, BOX.bottom + 34, x.label, ' text-anchor="middle"'),
    text(
      12,
      (BOX.top + BOX.bottom) / 2,
      y.label,
      ` text-anchor="middle" transform="rotate(-90 12 ${at((BOX.top + BOX.bottom) / 2)})"`,
    ),
    ...drawn,
  ].join('\n');
};

/** A picture of panels side by side, which reads on light and on dark ground. */
export const plot = (description: string, panels: readonly Panel[]): string => {
  const rows = panels.map(
    (each, i) => `<g transform="translate(${String(i * WIDTH)} 0)">\n${panel(each)}\n</g>`,
  );
  const size = `viewBox="0 0 ${String(panels.length * WIDTH)} ${String(HEIGHT)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>${escaped(description)}</title>`,
    `<style>${STYLE}\n</style>`,
    ...rows,
    '</svg>\n',
  ].join('\n');
};

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../../web/ui/styles/tokens.css', import.meta.url), 'utf8');

type Pair = { light: string; dark: string };
const tokens = new Map<string, Pair>();
for (const [, name, light, dark] of css.matchAll(
  /--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/gi,
))
  tokens.set(name!, { light: light!, dark: dark! });

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const grounds = ['canvas', 'surface', 'sunken'];
const text = ['text', 'muted', 'faint', 'primary', 'sand', 'glass', 'ok', 'warn', 'danger'];
const graphics = ['sand-fill', 'glass-fill', 'line-strong', 'focus'];
const ownGround: [foreground: string, background: string][] = [
  ['on-primary', 'primary'],
  ['on-primary', 'primary-hover'],
  ['on-sand-tint', 'sand-tint'],
  ['text', 'sand-tint'],
  ['sand', 'sand-tint'],
  ['glass', 'glass-tint'],
  ['text', 'glass-tint'],
  ['muted', 'glass-tint'],
  ['muted', 'sand-tint'],
  ['ok', 'ok-tint'],
  ['warn', 'warn-tint'],
  ['text', 'warn-tint'],
  ['danger', 'danger-tint'],
  ['text', 'danger-tint'],
];
const graphicGround: [foreground: string, background: string][] = [
  ['sand-fill', 'sand-tint'],
  ['glass-fill', 'glass-tint'],
  ['surface', 'glass-fill'],
  ['surface', 'warn'],
];

function ratio(foreground: string, background: string, theme: keyof Pair): number {
  const [above, below] = [tokens.get(foreground), tokens.get(background)];
  if (!above || !below) throw new Error(`no token ${above ? background : foreground}`);
  return contrast(above[theme], below[theme]);
}

describe.each(['light', 'dark'] as const)('contrast in the %s theme', (theme) => {
  it.each(text.flatMap((name) => grounds.map((ground) => [name, ground])))('text %s on %s', (name, ground) =>
    expect(ratio(name!, ground!, theme)).toBeGreaterThanOrEqual(4.5),
  );
  it.each(ownGround)('text %s on %s', (name, ground) =>
    expect(ratio(name, ground, theme)).toBeGreaterThanOrEqual(4.5),
  );
  it.each(graphics.flatMap((name) => grounds.map((ground) => [name, ground])))(
    'graphic %s on %s',
    (name, ground) => expect(ratio(name!, ground!, theme)).toBeGreaterThanOrEqual(3),
  );
  it.each(graphicGround)('graphic %s on %s', (name, ground) =>
    expect(ratio(name, ground, theme)).toBeGreaterThanOrEqual(3),
  );
});

it('knows the formula', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

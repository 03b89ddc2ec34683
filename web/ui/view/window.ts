/**
 * Which part of a long list is drawn: the places from `from` up to `to`, which is not part of it. Null follows the list's
 * end: `to` as it grows, and `from` a step before it.
 */
export type Window = { from: number | null; to: number | null };

/** Lines drawn at first, and added at each step: few enough to be drawn between two frames. */
export const STEP = 24;
/** Lines drawn at the most: as many as fill some screens on either side of what is in sight. */
export const MOST = 200;

export const atEnd: Window = { from: null, to: null };

/** The same lines, when so many have come before the first. */
export const shifted = ({ from, to }: Window, by: number): Window => ({
  from: from === null ? null : from + by,
  to: to === null ? null : to + by,
});

export const spanOf = ({ from, to }: Window, length: number): { from: number; to: number } => {
  const end = Math.min(to ?? length, length);
  return { from: Math.min(from ?? Math.max(0, end - STEP), end), to: end };
};

/** Earlier lines come in; when they are too many, late ones go. */
export const back = (window: Window, length: number): Window => {
  const span = spanOf(window, length);
  return ended(
    Math.max(0, span.from - STEP),
    Math.min(span.to, Math.max(0, span.from - STEP) + MOST),
    length,
  );
};

/** Later lines come in; when they are too many, early ones go. */
export const forward = (window: Window, length: number): Window => {
  const span = spanOf(window, length);
  const to = Math.min(length, span.to + STEP);
  return ended(Math.max(span.from, to - MOST), to, length);
};

/** With the line at this place in it: the same, or moved no further than needs be. */
export const including = (window: Window, place: number, length: number): Window => {
  const { from, to } = spanOf(window, length);
  if (place >= from && place < to) return window;
  const margin = Math.floor(STEP / 2);
  const first = Math.max(0, place - margin);
  const last = Math.min(length, place + margin);
  // What is drawn already stays, unless it is too far away.
  if (place < from) return ended(first, last < from ? last : Math.min(to, first + MOST), length);
  return ended(first > to ? first : Math.max(from, last - MOST), last, length);
};

const ended = (from: number, to: number, length: number): Window => ({ from, to: to === length ? null : to });

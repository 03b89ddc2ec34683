import { uniform, uniformBetween, type Rng } from '../crypto/rng.ts';
import type { Millis } from '../units.ts';

/** The two ends of a loop: who joined the inbox, and who holds it. */
export type Side = 'caller' | 'owner';

/** One message that is due: how long after the conversation began, by whom, of how many bytes. */
export type Turn = { at: Millis; from: Side; length: number };

const FEWEST = 3;
/** Users who write to one another do so about as often. */
const EVERY_MS: Millis = 4_000;
const MOST_MORE = 12;

/** What a conversation's frames come to: a padded short text fits one cell, a long one takes up to eight. */
const SHORT = [420, 960] as const;
const LONGER = [1_100, 3_000] as const;
const LONG = [3_000, 8_000] as const;
const ACKNOWLEDGEMENT = [150, 230] as const;

/** Of a hundred texts so many are longer than a cell, and so many much longer. */
const LONGER_OF_100 = 15;
const LONG_OF_100 = 5;

const lengthOf = (rng: Rng): number => {
  const chance = uniform(rng, 100);
  const [from, to] = chance < LONG_OF_100 ? LONG : chance < LONG_OF_100 + LONGER_OF_100 ? LONGER : SHORT;
  return uniformBetween(rng, from, to);
};

/** Texts at random times of the span, some answered and some in a row; the first is the caller's, at once. */
export const drawTurns = (rng: Rng, spanMs: Millis): Turn[] => {
  const most = FEWEST + Math.min(MOST_MORE, Math.floor(spanMs / EVERY_MS));
  const times = Array.from({ length: uniformBetween(rng, FEWEST, most) - 1 }, () => uniform(rng, spanMs + 1));
  return [0, ...times.sort((a, b) => a - b)].map((at, place) => ({
    at,
    from: place === 0 || uniform(rng, 2) === 0 ? 'caller' : 'owner',
    length: lengthOf(rng),
  }));
};

/** Of what a client answers a text with before its user has read it. */
export const drawAcknowledgement = (rng: Rng): number => uniformBetween(rng, ...ACKNOWLEDGEMENT);

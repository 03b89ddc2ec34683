import type { Filled, Key, Plural } from './dictionary.ts';
import { numberText, pluralOf } from './formats.ts';
import { spoken } from './spoken.svelte.ts';

/** Letters that are written from right to left. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const anyLetter = /\p{L}/u;

/**
 * A name within a sentence keeps its own direction, and the sentence its order, between U+2068 and U+2069. Where both
 * run the same way nothing is added.
 */
const isolated = (value: string): string => {
  const foreign = spoken().dir === 'rtl' ? anyLetter : rightToLeft;
  return foreign.test(value) ? `\u2068${value}\u2069` : value;
};

const fill = (sentence: string, values: Record<string, string | number>): string =>
  sentence.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numberText(value) : isolated(value);
  });

/** The sentence under `key` with its placeholders filled; numbers are written as the locale writes them. */
export function t<K extends Key>(key: K, ...[values]: Filled<K>): string {
  const given: Record<string, string | number> = values ?? {};
  const entry: string | Readonly<Plural> = spoken().words[key];
  if (typeof entry === 'string') return fill(entry, given);
  return fill(entry[pluralOf(Number(given['count']))] ?? entry.other, given);
}

/** What a code of `shared/errors.ts` or a wait means; a code without a sentence stands for itself. */
export const reasonText = (reason: string): string => lookUp(`reason.${reason}`) ?? reason;

/** What the server did, by the code of an alarm. */
export const alarmText = (code: string): string => lookUp(`alarm.${code}`) ?? code;

/** Why a command failed. What a node refuses and what this app refuses have one code and two sentences. */
export function errorText(error: unknown): string {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'internal';
  return lookUp(`error.${code}`) ?? reasonText(code);
}

const lookUp = (key: string): string | undefined => {
  const { words } = spoken();
  return Object.hasOwn(words, key) ? (words[key as Key] as string) : undefined;
};

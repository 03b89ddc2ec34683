import { en } from './en.ts';

type Dictionary = typeof en;
export type Key = keyof Dictionary;

type Placeholders<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;
type Sentence<K extends Key> = Dictionary[K] extends string
  ? Dictionary[K]
  : Dictionary[K][keyof Dictionary[K]];
/** What is chosen by a plural needs the count, whether it says it or not. */
type Needed<K extends Key> = Placeholders<Sentence<K>> | (Dictionary[K] extends string ? never : 'count');
type Filled<K extends Key> = [Needed<K>] extends [never] ? [] : [values: Record<Needed<K>, string | number>];

const locale = 'en';
const plurals = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);

function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}

/** The sentence under `key` with its placeholders filled; numbers are written as the locale writes them. */
export function t<K extends Key>(key: K, ...[values]: Filled<K>): string {
  const given: Record<string, string | number> = values ?? {};
  const entry: string | { one: string; other: string } = en[key];
  if (typeof entry === 'string') return fill(entry, given);
  return fill(plurals.select(Number(given['count'])) === 'one' ? entry.one : entry.other, given);
}

/** What a code of `shared/errors.ts` or a wait means; a code without a sentence stands for itself. */
export const reasonText = (reason: string): string => lookUp(`reason.${reason}`, reason);

/** What the server did, by the code of an alarm. */
export const alarmText = (code: string): string => lookUp(`alarm.${code}`, code);

const lookUp = (key: string, otherwise: string): string =>
  key in en ? (en[key as Key] as string) : otherwise;

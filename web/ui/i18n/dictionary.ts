import type { en } from './en.ts';

/** English is the type of every dictionary: a key that another language lacks does not compile. */
type English = typeof en;
export type Key = keyof English;

/** A sentence for each plural that a language tells apart; `other` stands for those that are not given. */
export type Plural<Rule extends Intl.LDMLPluralRule = 'other'> = Record<Rule | 'other', string> &
  Partial<Record<Intl.LDMLPluralRule, string>>;

/** All sentences in one language, whose plurals need at least the forms of `Rule`. */
export type Dictionary<Rule extends Intl.LDMLPluralRule = 'other'> = {
  readonly [K in Key]: English[K] extends string ? string : Readonly<Plural<Rule>>;
};

/** What one file holds of a dictionary. */
export type Part<Rule extends Intl.LDMLPluralRule = 'other'> = Partial<Dictionary<Rule>>;

type Placeholders<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;
type Sentence<K extends Key> = English[K] extends string ? English[K] : English[K][keyof English[K]];
/** What is chosen by a plural needs the count, whether it says it or not. */
type Needed<K extends Key> = Placeholders<Sentence<K>> | (English[K] extends string ? never : 'count');

/** What `t` has to be given beside the key. */
export type Filled<K extends Key> = [Needed<K>] extends [never]
  ? []
  : [values: Record<Needed<K>, string | number>];

import { spoken } from './spoken.svelte.ts';

/** Makes a formatter of `Intl` at its first use in each locale, for making one is slow. */
function perLocale<T>(make: (locale: string) => T): () => T {
  const made = new Map<string, T>();
  return () => {
    const { locale } = spoken();
    const known = made.get(locale) ?? make(locale);
    made.set(locale, known);
    return known;
  };
}

const numbers = perLocale((locale) => new Intl.NumberFormat(locale));
const tenths = perLocale(
  (locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
);
const plurals = perLocale((locale) => new Intl.PluralRules(locale));
const lists = perLocale((locale) => new Intl.ListFormat(locale));
const bareLists = perLocale((locale) => new Intl.ListFormat(locale, { type: 'unit', style: 'short' }));

export const numberText = (n: number): string => numbers().format(n);
/** With one digit behind the decimal sign. */
export const tenthsText = (n: number): string => tenths().format(n);
export const pluralOf = (count: number): Intl.LDMLPluralRule => plurals().select(count);
/** "Ada, Bea and Cleo". */
export const listText = (names: readonly string[]): string => lists().format(names);

/** "middle, guard, exit". */
export const listOf = (words: readonly string[]): string => bareLists().format(words);

/** How a moment is written, by `options`. */
export const moments = (options: Intl.DateTimeFormatOptions): ((at: number) => string) => {
  const formats = perLocale((locale) => {
    const format = new Intl.DateTimeFormat(locale, options);
    // "09:05", but "9:05 am".
    const whole = options.hour !== undefined && format.resolvedOptions().hourCycle === 'h23';
    return whole ? new Intl.DateTimeFormat(locale, { ...options, hour: '2-digit' }) : format;
  });
  return (at) => formats().format(at);
};

import type { Dictionary } from './dictionary.ts';

type About = {
  /** In the language itself, for whoever looks for it. */
  name: string;
  dir: 'ltr' | 'rtl';
  /** How dates and numbers are written where the browser names no country for the language. */
  home: string;
  /** Fetches the dictionary: each is a file of its own. */
  load: () => Promise<Dictionary>;
};

export type Language = 'en' | 'de' | 'es' | 'ar';

export const languages: Record<Language, About> = {
  en: { name: 'English', dir: 'ltr', home: 'en-GB', load: async () => (await import('./en.ts')).en },
  de: { name: 'Deutsch', dir: 'ltr', home: 'de', load: async () => (await import('./de/de.ts')).de },
  es: { name: 'Español', dir: 'ltr', home: 'es', load: async () => (await import('./es/es.ts')).es },
  ar: { name: 'العربية', dir: 'rtl', home: 'ar', load: async () => (await import('./ar/ar.ts')).ar },
};

export const isLanguage = (code: string | null | undefined): code is Language =>
  typeof code === 'string' && Object.hasOwn(languages, code);

/** A BCP 47 tag's language: "de" of "de-AT". */
const languageOf = (tag: string): string => {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return ''; // what a browser was set up with need not be a tag
  }
};

/** The first of the browser's languages that there is a dictionary of, else English. */
export function preferredLanguage(tags: readonly string[]): Language {
  return tags.map(languageOf).find(isLanguage) ?? 'en';
}

/**
 * How to write dates and numbers in a language: as in the country that the browser names for it. Digits are 0 to 9 and
 * the calendar is the civil one everywhere, for times and safety numbers are compared between people.
 */
export function localeOf(language: Language, tags: readonly string[]): string {
  const tag = tags.find((one) => languageOf(one) === language) ?? languages[language].home;
  return new Intl.Locale(tag, { calendar: 'gregory', numberingSystem: 'latn' }).toString();
}

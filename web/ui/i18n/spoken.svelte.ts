import type { Dictionary } from './dictionary.ts';
import { languages, localeOf } from './languages.ts';
import type { Language } from './languages.ts';

/** The language of the interface, its dictionary, and the tag by which `Intl` writes dates and numbers. */
export type Spoken = { language: Language; dir: 'ltr' | 'rtl'; locale: string; words: Dictionary };

let current = $state.raw<Spoken | null>(null);

/** Everything that shows a text is drawn anew in this language. */
export function speak(language: Language, words: Dictionary, tags: readonly string[]): void {
  current = { language, dir: languages[language].dir, locale: localeOf(language, tags), words };
}

export function spoken(): Spoken {
  if (!current) throw new Error('no dictionary is loaded: await startLanguage() before anything is shown');
  return current;
}

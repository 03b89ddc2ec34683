import { isLanguage, languages, preferredLanguage } from '../i18n/languages.ts';
import type { Language } from '../i18n/languages.ts';
import { speak, spoken } from '../i18n/spoken.svelte.ts';

const key = 'hourglass.language';

function stored(): Language | null {
  try {
    const value = localStorage.getItem(key);
    return isLanguage(value) ? value : null;
  } catch {
    return null; // storage is blocked: the browser's language it is
  }
}

/** Null: as the browser. */
let choice = $state.raw<Language | null>(stored());

const wanted = (): Language => choice ?? preferredLanguage(navigator.languages);

/** Fetches the wanted dictionary and shows everything in it, unless another one is wanted by then. */
async function show(): Promise<void> {
  const language = wanted();
  const words = await languages[language].load();
  if (language !== wanted()) return;
  speak(language, words, navigator.languages);
  document.documentElement.lang = language;
  document.documentElement.dir = languages[language].dir;
}

/** To be awaited before anything is shown. Where the dictionary can't be fetched it is English, which comes with the app. */
export const startLanguage = async (): Promise<void> => {
  try {
    await show();
  } catch {
    speak('en', await languages.en.load(), navigator.languages);
  }
};

addEventListener('languagechange', () => void show());

export const language = {
  get choice(): Language | null {
    return choice;
  },
  get current(): Language {
    return spoken().language;
  },
  /** Rejects, and leaves it as it was, when the dictionary can't be fetched. */
  async set(next: Language | null): Promise<void> {
    const before = choice;
    choice = next;
    try {
      await show();
    } catch (error) {
      if (choice === next) choice = before;
      throw error;
    }
    try {
      if (next === null) localStorage.removeItem(key);
      else localStorage.setItem(key, next);
    } catch {
      // the choice lasts as long as the tab
    }
  },
};

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { codes } from '#shared/errors.ts';
import type { Dictionary, Key } from '#web/ui/i18n/dictionary.ts';
import { en } from '#web/ui/i18n/en.ts';
import { listText, moments, numberText } from '#web/ui/i18n/formats.ts';
import { isLanguage, languages, localeOf, preferredLanguage } from '#web/ui/i18n/languages.ts';
import type { Language } from '#web/ui/i18n/languages.ts';
import { speak } from '#web/ui/i18n/spoken.svelte.ts';
import { errorText, reasonText, t } from '#web/ui/i18n/text.ts';
import { sizeOf } from '#web/ui/view/helping.ts';

const all = Object.keys(languages) as Language[];
const others = all.filter((language) => language !== 'en');
const keys = Object.keys(en) as Key[];
const dictionaries = new Map<Language, Dictionary>();

/** Counts that the app may have to say; the last has a plural of its own in some languages, beyond what is counted here. */
const counts = [0, 1, 2, 3, 7, 10, 11, 26, 99, 100, 101, 102, 103, 111, 200, 1000, 65_536, 999_999];

const formsOf = (entry: Dictionary[Key]): [rule: string, form: string][] =>
  typeof entry === 'string' ? [['', entry]] : Object.entries(entry);
const placeholders = (form: string): string[] =>
  [...new Set([...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!))].sort();
const wanted = (key: Key): string[] => placeholders(formsOf(en[key]).at(-1)![1]);

/** Any sentence, with samples in its placeholders. */
const say = (key: Key, values: Record<string, string | number>): string =>
  (t as (key: Key, values: Record<string, string | number>) => string)(key, values);

beforeAll(async () => {
  for (const language of all) dictionaries.set(language, await languages[language].load());
});
afterEach(() => speak('en', en, []));

describe.each(all)('the dictionary of %s', (language) => {
  const words = (): Dictionary => dictionaries.get(language)!;
  const rules = new Intl.PluralRules(localeOf(language, []));

  it('has each key of the English one and no other, plurals where it has plurals', () => {
    expect(Object.keys(words()).sort()).toEqual([...keys].sort());
    for (const key of keys) expect(typeof words()[key], key).toBe(typeof en[key]);
  });

  it('has whole sentences with the same placeholders', () => {
    for (const key of keys)
      for (const [rule, form] of formsOf(words()[key])) {
        expect(form.trim(), key).toBe(form);
        expect(form.length, key).toBeGreaterThan(0);
        const few = ['zero', 'one', 'two'].includes(rule);
        // "Two circuits" may be one word, without its number.
        const least = wanted(key).filter((name) => !few || name !== 'count');
        expect(placeholders(form), `${key} ${rule}`).toEqual(expect.arrayContaining(least));
        expect(wanted(key), `${key} ${rule}`).toEqual(expect.arrayContaining(placeholders(form)));
      }
  });

  it('has a form for each plural of the language, and none that it does not know', () => {
    const used = new Set<string>(counts.map((count) => rules.select(count)));
    const known = new Set<string>(rules.resolvedOptions().pluralCategories);
    for (const key of keys) {
      const entry = words()[key];
      if (typeof entry === 'string') continue;
      for (const rule of used) expect(entry, key).toHaveProperty(rule);
      for (const rule of Object.keys(entry)) expect(known, key).toContain(rule);
    }
  });

  it('leaves no placeholder unfilled, whatever the count', () => {
    speak(language, words(), []);
    const samples = Object.fromEntries(keys.flatMap(wanted).map((name) => [name, `«${name}»`]));
    for (const key of keys)
      for (const count of typeof en[key] === 'string' ? [7] : counts) {
        const text = say(key, { ...samples, count });
        expect(text, key).not.toMatch(/[{}]|undefined|NaN/);
        if (typeof en[key] === 'string' && wanted(key).includes('count')) expect(text).toContain('7');
      }
  });

  it('has a sentence for each code', () => {
    speak(language, words(), []);
    for (const code of Object.keys(codes)) {
      expect(reasonText(code), code).not.toBe(code);
      expect(errorText({ code }), code).not.toBe(code);
    }
    expect(errorText(new Error('no code'))).toBe(t('reason.internal'));
  });
});

describe.each(others)('the dictionary of %s', (language) => {
  it('is translated: what is the same as in English is a name, a sign or a single word', () => {
    const words = dictionaries.get(language)!;
    for (const key of keys) {
      const same = formsOf(words[key]).filter(([, form]) =>
        formsOf(en[key]).some(([, each]) => each === form),
      );
      for (const [, form] of same)
        expect(form.replace(/\{\w+\}/g, ''), key).not.toMatch(/\p{L}{2,} \p{L}{2,}/u);
    }
  });
});

it('the dictionary of ar is in Arabic letters, but for names of keys and of what has no words', () => {
  const words = dictionaries.get('ar')!;
  const bare = (form: string): string => form.replace(/\{\w+\}/g, '');
  const latin = keys.filter((key) => formsOf(words[key]).some(([, form]) => /[a-z]/i.test(bare(form))));
  const foreign = latin.filter((key) =>
    formsOf(words[key]).some(([, form]) => !/[\u0621-\u064a]/.test(form)),
  );
  expect(foreign).toEqual([
    ...['search.hint', 'app.name', 'key.ctrl', 'key.alt', 'key.shift', 'key.enter', 'key.escape'],
  ]);
});

describe('the language', () => {
  it('is the first of the browser’s that there is a dictionary of, else English', () => {
    expect(preferredLanguage(['fr-FR', 'de-AT', 'en'])).toBe('de');
    expect(preferredLanguage(['ar-EG'])).toBe('ar');
    expect(preferredLanguage(['fr', 'not a tag!', ''])).toBe('en');
    expect(preferredLanguage([])).toBe('en');
    expect(['en', 'EN', 'toString', '', null].map(isLanguage)).toEqual([true, false, false, false, false]);
  });

  it('is written as in the country that the browser names, with the digits and the calendar that all share', () => {
    expect(localeOf('de', ['en-US', 'de-AT'])).toBe('de-AT-u-ca-gregory-nu-latn');
    expect(localeOf('en', ['de'])).toBe('en-GB-u-ca-gregory-nu-latn');
    const at = Date.UTC(2026, 10, 28, 12);
    for (const tag of ['ar-SA', 'ar-EG', 'ar-MA', 'ar-u-nu-arab-ca-islamic']) {
      speak('ar', dictionaries.get('ar')!, [tag]);
      expect(moments({ day: 'numeric', month: 'long', year: 'numeric' })(at)).toMatch(
        /28.*نوفمبر|28.*نونبر/u,
      );
      expect(numberText(12_345)).toMatch(/^12[.,]345$/);
    }
  });

  it('has its own numbers, sizes and lists', () => {
    const said = (language: Language): string[] => {
      speak(language, dictionaries.get(language)!, []);
      return [
        sizeOf(1234),
        numberText(12_345),
        listText(['Ada', 'Bea', 'Cleo']),
        t('count.circuits', { count: 2 }),
      ];
    };
    expect(said('en')).toEqual(['1.2 kB', '12,345', 'Ada, Bea and Cleo', '2 circuits']);
    expect(said('de')).toEqual(['1,2 kB', '12.345', 'Ada, Bea und Cleo', '2 Kanäle']);
    expect(said('es')).toEqual(['1,2 kB', '12.345', 'Ada, Bea y Cleo', '2 circuitos']);
    expect(said('ar')).toEqual(['1.2 ك.ب', '12,345', 'Ada وBea وCleo', 'دائرتان']);
  });

  it('keeps a name of the other direction apart from the sentence around it', () => {
    expect(t('thread.waitingContact', { name: 'Mira' })).toBe('Waiting for Mira');
    expect(t('thread.waitingContact', { name: 'ميرا' })).toBe('Waiting for \u2068ميرا\u2069');
    speak('ar', dictionaries.get('ar')!, []);
    expect(t('thread.waitingContact', { name: 'Mira' })).toBe('في انتظار \u2068Mira\u2069');
    expect(t('file.of', { done: '–', size: '…' })).toBe('– من …');
  });
});

import { expect } from 'vitest';

// The app's own parts say what they say in English; no other test needs a dictionary.
if (expect.getState().testPath?.includes('/tests/ui/')) {
  const { en } = await import('#web/ui/i18n/en.ts');
  const { speak } = await import('#web/ui/i18n/spoken.svelte.ts');
  speak('en', en, []);
}

import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { locate, render, vectorFiles } from '#tests/vectors/files.ts';

describe('the committed vectors', () => {
  for (const { file, make } of vectorFiles) {
    it(`${file} is what the code makes`, () => {
      expect(render(make()), 'npm run vectors writes them anew').toBe(readFileSync(locate(file), 'utf8'));
    });
  }

  it('are all made by the code', () => {
    const committed = readdirSync(locate('.')).filter((name) => name.endsWith('.json'));
    expect(committed.sort()).toEqual(vectorFiles.map(({ file }) => file).sort());
  });
});

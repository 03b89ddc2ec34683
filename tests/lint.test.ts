import { ESLint } from 'eslint';
import { join } from 'node:path';
import ts from 'typescript-eslint';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The repository's own rules; those that need types are off, since the linted text is in no file. */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [
    { ...(ts.configs.disableTypeChecked as object) },
    { languageOptions: { parserOptions: { projectService: false, project: false, program: null } } },
  ],
});

async function rulesBrokenBy(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: join(root, path) });
  const messages = result?.messages ?? [];
  expect(messages.filter((message) => message.fatal)).toEqual([]);
  return messages.map((message) => message.ruleId ?? '');
}

const impure = [
  'Date.now()',
  'new Date()',
  'Math.random()',
  'performance.now()',
  'setTimeout(f, 1)',
  'console.log(f)',
  'Promise.resolve(f)',
  'f.then(async () => f)',
  'new TextEncoder()',
  'new TextDecoder()',
  'crypto.getRandomValues(f)',
  'f.randomBytes(32)',
  'f.utils.randomSecretKey()',
  'f.keygen()',
  'f.encapsulate(f)',
];

test.each(impure)('shared/ may not say `%s`', async (expression) => {
  const text = `export const g = (f) => ${expression};\n`;
  const broken = await rulesBrokenBy('shared/link/machine.ts', text);
  expect(broken.filter((rule) => rule.startsWith('no-restricted-'))).not.toEqual([]);
});

test('shared/ may give seeds to noble, and its driver may be given a clock', async () => {
  const text =
    'export const g = (f, seed, clock) => [f.keygen(seed), f.encapsulate(f, seed), clock.now(), clock.random(4)];\n';
  expect(await rulesBrokenBy('shared/link/machine.ts', text)).toEqual([]);
});

test('`any` is refused everywhere', async () => {
  const text = 'export const g = (f: any): unknown => f;\n';
  expect(await rulesBrokenBy('relay/main.ts', text)).toContain('@typescript-eslint/no-explicit-any');
});

test('markup may hold no raw HTML and no static style', async () => {
  const raw = '<script lang="ts">\n  const text = \'\';\n</script>\n\n{@html text}\n';
  expect(await rulesBrokenBy('web/ui/Raw.svelte', raw)).toContain('svelte/no-at-html-tags');
  expect(await rulesBrokenBy('web/ui/Raw.svelte', '<p style="color: red">x</p>\n')).toContain(
    'no-restricted-syntax',
  );
  const moving = '<script lang="ts">\n  let x = $state(1);\n</script>\n\n<p style:left="{x}px">{x}</p>\n';
  expect(await rulesBrokenBy('web/ui/Raw.svelte', moving)).not.toContain('no-restricted-syntax');
});

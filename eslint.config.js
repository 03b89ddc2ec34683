import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';

/** `shared/` takes time and entropy as inputs and gives slow work as outputs; nothing there waits or speaks. */
const impureGlobals = [
  ['performance', 'Time is a parameter: `now`.'],
  ['setTimeout', 'A timer is an output: `wake`.'],
  ['setInterval', 'A timer is an output: `wake`.'],
  ['setImmediate', 'A timer is an output: `wake`.'],
  ['queueMicrotask', 'Everything in shared/ is synchronous.'],
  ['console', 'Events are outputs; the driver decides what is logged.'],
  ['Promise', 'Everything in shared/ is synchronous; slow work is an output whose answer is an input.'],
  ['TextEncoder', 'Use `text` of #shared/bytes/bytes.ts.'],
  ['TextDecoder', 'Use `untext` of #shared/bytes/bytes.ts.'],
  ['crypto', 'Entropy is a parameter: `rng`.'],
  ['globalThis', 'Nothing ambient is used in shared/.'],
  ['process', 'Nothing ambient is used in shared/.'],
].map(([name, message]) => ({ name, message }));

const impureSyntax = [
  ["MemberExpression[object.name='Date']", 'Time is a parameter: `now`.'],
  [":matches(NewExpression, CallExpression)[callee.name='Date']", 'Time is a parameter: `now`.'],
  ["MemberExpression[object.name='Math'][property.name='random']", 'Entropy is a parameter: `rng`.'],
  [':function[async=true]', 'Everything in shared/ is synchronous.'],
  ['AwaitExpression', 'Everything in shared/ is synchronous.'],
  ['ImportExpression', 'Everything in shared/ is synchronous.'],
  [
    ':matches(Identifier, Literal)[name=/^(randomBytes|randomSecretKey|randomPrivateKey)$/]',
    'Entropy is a parameter: give seeds to noble.',
  ],
  ["CallExpression[callee.property.name='keygen'][arguments.length=0]", 'Give keygen() its seed.'],
  ["CallExpression[callee.property.name='encapsulate'][arguments.length<2]", 'Give encapsulate() its seed.'],
].map(([selector, message]) => ({ selector, message }));

/** Sizes that read well. Tests may be longer, for tables of cases. */
const sizes = {
  'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
  'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
};

export default defineConfig(
  { ignores: ['dist/', 'data/', 'node_modules/', 'coverage/', 'test-results/', 'tests/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  {
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: 'module',
      globals: { ...globals.node },
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', '.dependency-cruiser.cjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A handler that must return a promise may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Plain objects with methods are taken apart on purpose; they use no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // It calls assertions needless that narrow for the lines after them.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // A declaration that has to come along with the file which needs it.
      '@typescript-eslint/triple-slash-reference': ['error', { path: 'always' }],
      // Numbers in messages are meant.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^[.][.]?/([.][.]/)*(shared|web|relay|signaling-server|circuits|tests)/',
              message:
                'Across top folders, import by #shared/, #web/, #relay/, #server/, #circuits/ or #tests/.',
            },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Exports have names.' },
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that defines it.' },
      ],
    },
  },
  { files: ['shared/**', 'web/**', 'relay/**', 'signaling-server/**', 'circuits/**'], rules: sizes },
  {
    files: ['shared/**/*.ts'],
    languageOptions: { globals: {} },
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Exports have names.' },
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that defines it.' },
        ...impureSyntax,
      ],
    },
  },
  ...svelte.configs['flat/recommended'],
  ...svelte.configs['flat/prettier'],
  { files: ['web/**'], languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    // svelte-check does the type checking of these.
    ...ts.configs.disableTypeChecked,
    languageOptions: {
      parserOptions: { parser: ts.parser, projectService: false, program: null, project: false },
    },
    rules: {
      ...ts.configs.disableTypeChecked.rules,
      // TypeScript knows better which names exist.
      'no-undef': 'off',
      'max-lines-per-function': 'off',
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { excludedRunes: ['$props', '$derived'] }],
      // Plain maps and URLs of a moment are no state.
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/no-at-html-tags': 'error',
      'svelte/require-each-key': 'error',
      'svelte/button-has-type': 'error',
      // The router uses the hash and has no base path.
      'svelte/no-navigation-without-resolve': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: "SvelteAttribute[key.name='style']:not(:has(SvelteMustacheTag))",
          message: "The content security policy is style-src 'self': use a class or style:property={value}.",
        },
      ],
    },
  },
  {
    files: ['**/*.d.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off', 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.config.ts', '*.config.js', '.dependency-cruiser.cjs', 'tests/support/watchdog.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.cjs'],
    ...ts.configs.disableTypeChecked,
    languageOptions: { sourceType: 'commonjs', globals: globals.node },
  },
);

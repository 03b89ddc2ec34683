import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseSvelte, type AST } from 'svelte/compiler';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { languages } from '#web/ui/i18n/languages.ts';
import type { Language } from '#web/ui/i18n/languages.ts';

/**
 * What people read comes from the dictionaries, and nothing in the styles says left or right. Both are found in the
 * syntax trees of the sources.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const filesOf = (pattern: string): string[] => globSync(pattern, { cwd: root }).sort();
const read = (file: string): string => readFileSync(root + file, 'utf8');

type Tree = { type?: string; start?: number; end?: number; [key: string]: unknown };
type Visit = (node: Tree, above: Tree[]) => boolean | void;

const parsed = new Map<string, AST.Root>();
/** Several tests look at each component. */
function parse(source: string): AST.Root {
  const tree = parsed.get(source) ?? parseSvelte(source, { modern: true });
  parsed.set(source, tree);
  return tree;
}

/** Each node of a tree with those above it; a visit that answers false goes no further down. */
function walk(node: unknown, visit: Visit, above: Tree[] = []): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) return node.forEach((one) => walk(one, visit, above));
  const tree = node as Tree;
  const typed = typeof tree.type === 'string';
  if (typed && visit(tree, above) === false) return;
  if (typed) above.push(tree);
  for (const [name, part] of Object.entries(tree)) if (name !== 'loc') walk(part, visit, above);
  if (typed) above.pop();
}

const nameOf = (node: Tree | undefined): string => (typeof node?.['name'] === 'string' ? node['name'] : '');

/** Words with a space between them, or one with a capital and nothing of code in it. */
const sentence = /\p{L}{2,}[,.:;!?…]? \p{L}|\p{L} $|^\p{Lu}\p{Ll}{2,}[.!?…]?$/u;

/** Attributes and properties of components that a person reads or hears. */
const shown = new Set([
  ...['aria-label', 'aria-description', 'aria-roledescription', 'aria-valuetext', 'aria-placeholder'],
  ...['title', 'placeholder', 'alt', 'label', 'text', 'help', 'more', 'action', 'nobody', 'named', 'summary'],
]);

/** Questions to the browser and names of what it reports, shapes, keys, and ends of the dictionaries' keys. */
const technical = /^(\((display-mode|prefers-)|(NotAllowedError|Files|Home|End)$|[Mm][\d.-]|(Off|Pending)$)/;

/** The text of a literal, or of a piece of a template. */
function textOf(node: Tree): string {
  const value = node.type === 'TemplateElement' ? (node['value'] as Tree)['cooked'] : node['value'];
  return typeof value === 'string' && /^(Literal|TemplateElement)$/.test(node.type ?? '') ? value : '';
}

/** A key of the dictionaries, a selector, or what something is compared with. */
const isCode = (above: Tree[]): boolean =>
  above.at(-1)?.type === 'BinaryExpression' ||
  above.some(({ type, callee }) => {
    const called = callee as Tree | undefined;
    const name = nameOf(called) || nameOf(called?.['property'] as Tree | undefined);
    return type === 'CallExpression' && /^(t|querySelector(All)?|matches|closest)$/.test(name);
  });

/** What a component says by itself. In its markup all is seen but what stands in an attribute that nobody reads. */
function stringsOf(source: string): string[] {
  const found: string[] = [];
  const { fragment, instance, module } = parse(source);
  const look = (node: Tree, above: Tree[]): boolean => {
    if (/^Import/.test(node.type ?? '')) return false;
    const attribute = above.findLast(({ type }) => /Attribute$|Directive$/.test(type ?? ''));
    const read = attribute === undefined || shown.has(nameOf(attribute));
    if (node.type === 'Text' && read && /\p{L}/u.test(node['data'] as string))
      found.push((node['data'] as string).trim());
    const text = textOf(node);
    if (read && sentence.test(text) && !technical.test(text) && !isCode(above)) found.push(text);
    return true;
  };
  for (const tree of [fragment, instance?.content, module?.content]) walk(tree, look);
  return found;
}

/** Calls of the dictionary that run once: their text would stay in the language of that moment. */
function frozenIn(source: string): string[] {
  const found: string[] = [];
  const { instance, module } = parse(source);
  for (const script of [instance, module])
    walk(script?.content, (node) => {
      if (/Function/.test(node.type ?? '')) return false;
      if (node.type !== 'CallExpression') return true;
      const callee = node['callee'] as Tree;
      const name = nameOf(callee) || nameOf(callee['object'] as Tree | undefined);
      if (name === '$derived') return false;
      if (/^(t|\w+Text|timeOfDay|dateAndTime|sizeOf)$/.test(name))
        found.push(source.slice(node.start, node.end));
      return true;
    });
  return found;
}

/** String literals of a module that read like sentences, but for what is thrown: the program's own words. */
function sentencesOf(file: string): string[] {
  const found: string[] = [];
  const tree = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2023, true);
  const visit = (node: ts.Node): void => {
    if (ts.isThrowStatement(node) || ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    if (ts.isCallExpression(node) && node.expression.getText() === 't') return;
    if (ts.isNewExpression(node) && /Error|Exception/.test(node.expression.getText())) return;
    const text =
      ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
        ? node.text
        : '';
    if (sentence.test(text) && !technical.test(text)) found.push(text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Values of which the second and the fourth are of the right and the left side. */
const sided = /^(margin|padding|inset|border-(width|style|color))$/;

function sidesOf(css: string): string[] {
  const found: string[] = [];
  walk(parse(`<style>${css}</style>`).css, (node, above) => {
    if (node.type !== 'Declaration') return true;
    const [property, value] = [String(node['property']), String(node['value'])];
    const rule = above.findLast(({ type }) => type === 'Rule');
    // Where the direction is asked for, the side is meant.
    if (
      rule &&
      /:dir\(/.test(css.slice((rule['prelude'] as Tree).start! - 7, (rule['prelude'] as Tree).end! - 7))
    )
      return true;
    const parts = value.match(/(?:[^\s(]|\([^()]*(?:\([^()]*\)[^()]*)*\))+/g) ?? [];
    const uneven = sided.test(property) && parts.length === 4 && parts[1] !== parts[3];
    const corners =
      property === 'border-radius' &&
      parts.length > 2 &&
      !(parts[0] === parts[1] && parts[2] === (parts[3] ?? parts[1]));
    if (
      /(^|-)(left|right)(-|$)/.test(property) ||
      /(^|\s)(left|right)(\s|$)/.test(value) ||
      uneven ||
      corners
    )
      found.push(`${property}: ${value}`);
    return true;
  });
  return found;
}

const components = filesOf('web/ui/**/*.svelte');
const modules = [...filesOf('web/ui/{view,state}/**/*.ts'), ...filesOf('web/media/*.ts'), 'web/main.ts'];
const styleOf = (source: string): string => /<style>([^]*)<\/style>/.exec(source)?.[1] ?? '';

/** What was found, by the file in which it was. */
const foundIn = (files: string[], look: (file: string) => string[]): Record<string, string[]> =>
  Object.fromEntries(
    files.map((file) => [file, look(file)] as const).filter(([, found]) => found.length > 0),
  );

// A hundred components are parsed, which takes its time where several tests share a core.
describe('what people read', { timeout: 120_000 }, () => {
  it('comes from the dictionaries in every component', () => {
    expect(components.length).toBeGreaterThan(90);
    expect(foundIn(components, (file) => stringsOf(read(file)))).toEqual({});
  });

  it('comes from the dictionaries in every module', () => {
    expect(modules.length).toBeGreaterThan(30);
    expect(foundIn(modules, sentencesOf)).toEqual({});
  });

  it('follows the language when it changes', () => {
    expect(foundIn(components, (file) => frozenIn(read(file)))).toEqual({});
  });

  it('before the program runs is said in each language', async () => {
    const page = read('web/index.html');
    for (const language of Object.keys(languages) as Language[])
      expect(page).toContain((await languages[language].load())['app.needsScript']);
  });

  it('is found where it is written down', () => {
    expect(stringsOf('<p>Hello</p><button aria-label="Close">×</button>')).toEqual(['Hello', 'Close']);
    expect(stringsOf('<Note title={on ? "On now" : t("x")} />{on ? "Never" : ""}')).toEqual([
      ...['On now', 'Never'],
    ]);
    expect(stringsOf('<p title="{name} wrote">{`By ${name}`}</p>')).toEqual(['wrote', 'By ']);
    expect(stringsOf('<script>const said = `Wait for ${x}`;</script>')).toEqual(['Wait for ']);
    expect(stringsOf('<script>const said = "Wait for it";</script>')).toEqual(['Wait for it']);
    expect(stringsOf('<p class="a b" data-x="Y">{name}</p>')).toEqual([]);
    const script = '<script>const a = t("x"), b = () => t("x"), c = $derived(t("x"));</script>';
    expect(frozenIn(script)).toEqual(['t("x")']);
  });
});

describe('styles', { timeout: 120_000 }, () => {
  it('take no side', () => {
    const styles = [...components, ...filesOf('web/ui/styles/*.css')];
    const cssOf = (file: string): string => (file.endsWith('.css') ? read(file) : styleOf(read(file)));
    expect(foundIn(styles, (file) => sidesOf(cssOf(file)))).toEqual({});
  });

  it('that take one are found', () => {
    const sides = ['left: 0', 'padding: 1px 2px 3px 4px', 'text-align: right', 'border-radius: 0 3px 3px 0'];
    expect(sidesOf(`a { ${sides.join('; ')}; margin-inline: 1px }`)).toEqual(sides);
    const meant =
      'a:dir(rtl) { transform-origin: right } b { padding: 1px 2px 3px 2px; border-radius: 3px 3px 0 0 }';
    expect(sidesOf(meant)).toEqual([]);
  });
});

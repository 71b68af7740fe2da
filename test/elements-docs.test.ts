import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { elementManifest } from '../scripts/element-manifest.mjs';

const GUIDE = new URL('../docs/elements.md', import.meta.url);

interface Described {
  readonly name: string;
  readonly description?: string;
  readonly default?: string;
  readonly attribute?: string;
  readonly kind?: string;
  readonly type?: { readonly text: string };
}
interface Element {
  readonly tagName: string;
  readonly description: string;
  readonly members: readonly Described[];
  readonly events?: readonly Described[];
  readonly cssParts?: readonly Described[];
  readonly cssProperties: readonly Described[];
}

const ELEMENTS = (await elementManifest()).modules.flatMap(({ declarations = [] }) =>
  declarations.filter((each) => 'tagName' in each),
) as unknown as readonly Element[];

const line = (text = ''): string => text.replaceAll(/\s*\n\s*/g, ' ');
const code = (text = ''): string => (text === '' ? '' : `\`${line(text)}\``);

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Columns of a line in the guide. */
const COLUMNS = 120;

/** "- `name` …: text", wrapped. */
function item(head: string, text: string): string {
  const lines = ['-'];
  for (const word of `${head}: ${line(text)}`.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > COLUMNS) lines.push(' ');
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join('\n');
}

function property({ name, type, attribute, description = '', ...rest }: Described): string {
  const facts = [
    code(type?.text.replace(/^\| /, '')),
    attribute === undefined
      ? ''
      : attribute === name
        ? 'also an attribute'
        : `attribute ${code(attribute)}`,
    rest.default === undefined ? '' : `default ${code(rest.default)}`,
  ];
  return item(`${code(name)} (${facts.filter((each) => each !== '').join(', ')})`, description);
}

function reference({ members, events = [], cssParts = [] }: Element): string {
  const properties = members.filter(({ kind }) => kind === 'field');
  const methods = members.filter(({ kind }) => kind === 'method');
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['Properties', properties.map(property)],
    ['Methods', methods.map(({ name, description }) => item(code(`${name}()`), description ?? ''))],
    [
      'Events',
      events.map(({ name, type, description }) =>
        item(`${code(name)} (${code(type?.text)})`, description ?? ''),
      ),
    ],
  ];
  const parts = cssParts.map(({ name, description }) => [code(name), line(description)]);
  return [
    ...lists
      .filter(([, items]) => items.length > 0)
      .map(([title, items]) => `**${title}**\n\n${items.join('\n')}`),
    table(['part', 'what it is'], parts),
  ].join('\n\n');
}

function customProperties({ cssProperties }: Element): string {
  return table(
    ['property', 'default', 'what it is'],
    cssProperties.map((each) => [code(each.name), code(each.default), line(each.description)]),
  );
}

/** Parts between `<!-- name -->` and `<!-- /name -->`. `npx vitest run --project node test/elements-docs.test.ts -u` rewrites them. */
test('docs/elements.md has what the manifest says of every element', async () => {
  const parts = Object.fromEntries(ELEMENTS.map((each) => [each.tagName, reference(each)]));
  parts['custom-properties'] = customProperties(ELEMENTS[0]!);
  let text = readFileSync(GUIDE, 'utf8');
  for (const [name, made] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [before, rest = ''] = text.split(begin);
    const [, after] = rest.split(end);
    expect(after, `${begin} … ${end}`).toBeDefined();
    text = `${before}${begin}\n\n${made}\n\n${end}${after}`;
  }
  await expect(text).toMatchFileSnapshot(GUIDE.pathname);
});

test('the manifest describes every property, method, event and part', () => {
  const bare = ELEMENTS.flatMap(({ tagName, members, events = [], cssParts = [] }) =>
    [...members, ...events, ...cssParts]
      .filter(({ description = '' }) => description === '')
      .map(({ name }) => `${tagName} ${name}`),
  );
  expect(bare).toEqual([]);
});

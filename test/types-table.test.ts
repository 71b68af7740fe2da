/** `npm run test:types` proves what docs/embedding.md says of TypeScript; this test holds the two together. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { portableTypes, readableTypes } from '../scripts/portable-types.mjs';
import { SETTINGS, VERSIONS, typesTable } from '../scripts/types-matrix.mjs';

const ROOT = join(import.meta.dirname, '..');
const GUIDE = join(ROOT, 'docs/embedding.md');

/** Rewrite the table with `npx vitest run --project node test/types-table.test.ts -u`. */
test('the guide has the scopes and entries that npm run test:types compiles', async () => {
  const guide = await readFile(GUIDE, 'utf8');
  const [before, rest = ''] = guide.split('<!-- types -->');
  const [, after] = rest.split('<!-- /types -->');
  expect(after, '<!-- types --> … <!-- /types -->').toBeDefined();
  const wanted = `${before}<!-- types -->\n\n${typesTable()}\n\n<!-- /types -->${after}`;
  await expect(wanted).toMatchFileSnapshot(GUIDE);
});

test('README and guide name the oldest and the newest TypeScript that npm run test:types compiles with', async () => {
  const range = `TypeScript ${VERSIONS[0]} to ${VERSIONS.at(-1)}`;
  expect(await readFile(join(ROOT, 'README.md'), 'utf8')).toContain(range);
  expect(await readFile(GUIDE, 'utf8')).toContain(range);
});

test('every entry of the package with types is compiled in some scope', async () => {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, { readonly types?: string } | string | null>;
  };
  const compiled = new Set(Object.values(SETTINGS).flatMap(({ entries }) => entries));
  const entries = Object.entries(exports)
    .filter(([, target]) => typeof target === 'object' && target?.types !== undefined)
    .map(([path]) => path.replace(/^\.\/?/, ''))
    // Each declares what the entry of the same name does.
    .filter((entry) => entry !== 'min/*');
  expect(entries.filter((entry) => !compiled.has(entry))).toEqual([]);
});

test('every version is pinned to a release of it', async () => {
  const file = join(ROOT, 'test/fixtures/types/package.json');
  const { dependencies } = JSON.parse(await readFile(file, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const version of VERSIONS) {
    expect(dependencies[`typescript-${version}`]).toMatch(`npm:typescript@${version}.`);
  }
});

test.each([
  ['bytes: Uint8Array<ArrayBuffer>;', "bytes: ReturnType<Uint8Array['slice']>;"],
  ['(a: Float32Array<ArrayBuffer>[]): void', "(a: ReturnType<Float32Array['slice']>[]): void"],
  [
    'data: string | ArrayBufferView<ArrayBuffer>',
    'data: string | (ArrayBufferView & { readonly buffer: ArrayBuffer })',
  ],
])('%s is converted for older compilers, and converted back', (source, portable) => {
  expect(portableTypes(source)).toBe(portable);
  expect(readableTypes(portable)).toBe(source);
});

test('arrays on any memory lose a type parameter that older compilers do not know', () => {
  expect(portableTypes('Uint8Array<ArrayBufferLike> | undefined')).toBe('Uint8Array | undefined');
});

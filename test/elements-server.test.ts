import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

const FOLDER = new URL('../src/elements/', import.meta.url);
const ENTRIES = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));

test.each(ENTRIES)('%s can be imported without a page, and a second copy too', async (name) => {
  const { href } = new URL(name, FOLDER);
  expect('document' in globalThis).toBe(false);
  const first: Record<string, unknown> = await import(href);
  vi.resetModules();
  const second: Record<string, unknown> = await import(href);
  const classes = Object.keys(first).filter((exported) => exported.startsWith('Micwire'));
  expect(classes).not.toEqual([]);
  for (const exported of classes) expect(first[exported]).not.toBe(second[exported]);
});

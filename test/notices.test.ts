import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const notices = readFileSync(join(ROOT, 'THIRD_PARTY_NOTICES.md'), 'utf8');

/** The text under a heading, up to the next one, with every run of white space as one space. */
function section(heading: string): string {
  const from = notices.indexOf(`\n## ${heading}\n`);
  expect(from).toBeGreaterThan(0);
  const to = notices.indexOf('\n## ', from + 1);
  return flat(notices.slice(from, to < 0 ? undefined : to));
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

test("libopus's licence ships whole, from its first condition to the end of its disclaimer", () => {
  const text = section('libopus');
  const licence = text.slice(text.indexOf('Redistribution and use'));
  // Of COPYING in the source of Opus (its repository at xiph/opus), without the names at its beginning.
  expect(createHash('sha256').update(licence).digest('hex')).toBe(
    '06852756b392e8f882b3583a807fd6a7380b146a818142a03587f138dcc2cdeb',
  );
});

test("libopus-wasm's licence ships whole", () => {
  const licence = flat(readFileSync(join(ROOT, 'node_modules/libopus-wasm/LICENSE'), 'utf8'));
  expect(section('libopus-wasm')).toContain(licence);
});

/** CONTRIBUTING, "Traps": no version of npm rewrites the lock files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { trimLock } from '../scripts/trim-lock.mjs';

const ROOT = join(import.meta.dirname, '..');
const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');

test('the lock file has no field that only some versions of npm write', () => {
  expect(trimLock(lock)).toBe(lock);
});

test('fields that npm 11 adds to an entry are removed, and the rest stays as it is', () => {
  const entry = '      "dev": true,\n      "license": "MIT",\n';
  const trimmed = `{\n  "node_modules/x": {\n${entry}    }\n  }\n`;
  const written = trimmed.replace(
    '      "license"',
    '      "libc": [\n        "musl"\n      ],\n      "license"',
  );
  expect(written).not.toBe(trimmed);
  expect(trimLock(written)).toBe(trimmed);
});

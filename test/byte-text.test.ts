import { expect, test } from 'vitest';
import { textOfBytes } from '../scripts/byte-text.mjs';
import { bytesOfText } from '../src/core/dsp/byte-text.ts';

test('bytes survive the way through text, which needs no escapes in any string', () => {
  const bytes = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 255);
  expect(new Set(bytes).size).toBe(256);
  const text = textOfBytes(bytes);
  expect(text).toMatch(/^[!-~]*$/);
  expect(text).not.toMatch(/['"`\\$]/);
  expect(bytesOfText(text)).toEqual(bytes);
  expect(bytesOfText('')).toEqual(new Uint8Array(0));
});

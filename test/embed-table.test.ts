import { describe, expect, test } from 'vitest';
import { SETUPS } from '../scripts/embed/setups.mjs';
import { guideRows, tableOf } from '../scripts/embed/table.mjs';

/** A row without the sizes, which only a run measures. */
const words = (row: string): string => {
  const [, name, worklets, , , cure] = row.split(' | ').join('|').split('|');
  return [name, worklets, cure].join(' · ');
};

describe('the table of set-ups in docs/embedding.md', () => {
  test('lists the set-ups that npm run test:embed tries, and the needs of each', async () => {
    const expected = tableOf(SETUPS.map((setup) => ({ setup })));
    expect((await guideRows()).map(words)).toEqual(expected.map(words));
  });
});

test('no two set-ups have the same name', () => {
  expect(new Set(SETUPS.map(({ name }) => name)).size).toBe(SETUPS.length);
});

/** What `npm run check` says of words. The phrases themselves appear here. */
import { expect, test } from 'vitest';
import { BANNED_WORDS } from '../scripts/banned-words.mjs';
import { wordFaults } from '../scripts/check-words.mjs';

test('a banned phrase is reported with its place, the reason and an alternative', () => {
  // words: quote
  const text = '/** Plays on. */\n/** Starts the meter anew. */\n';
  expect(wordFaults('src/x.ts', text)).toEqual([
    // words: quote
    'src/x.ts:2 says "anew". Archaic. Write: again, restarts, from the start.',
  ]);
});

test('a quotation is excused on its line, on the next one, and in a fence of Markdown', () => {
  const mark = 'words: ' + 'quote';
  // words: quote
  expect(wordFaults('src/x.ts', `const text = 'goes on'; // ${mark}`)).toEqual([]);
  // words: quote
  expect(wordFaults('src/x.ts', `// ${mark}\nconst text = 'goes on';`)).toEqual([]);
  // words: quote
  const fenced = `<!-- ${mark} -->\na\nmade up\n<!-- words: ${'end'} -->\nanew\n`;
  expect(wordFaults('docs/x.md', fenced)).toHaveLength(1);
});

test('lines of Markdown have at most 120 columns, and lines of code are left to the formatter', () => {
  const long = 'x'.repeat(121);
  expect(wordFaults('docs/x.md', `${long.slice(1)}\n${long}\n`)).toEqual([
    'docs/x.md:2 has 121 columns, more than 120.',
  ]);
  expect(wordFaults('src/x.ts', long)).toEqual([]);
});

test('every banned phrase has a reason and an alternative that is not banned', () => {
  for (const { reason, instead } of BANNED_WORDS) {
    expect(reason).toMatch(/\w\.$/);
    expect(wordFaults('src/x.ts', instead)).toEqual([]);
  }
});

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BANNED_WORDS } from './banned-words.mjs';
import { ROOT } from './run.mjs';

/** What people read: guides, sources with their comments and messages, the lab, the names of tests. */
const READ = /\.(?:md|ts|mjs|js|html|css|json)$/;
/** Generated, other people's, or the list itself. */
const LEFT_OUT =
  /^(?:docs\/api\/|test\/fixtures\/|LICENSE|package-lock\.json|bench\/package-lock\.json|scripts\/banned-words\.mjs)/;
const QUOTE = /words: quote\b/;
const QUOTE_END = /words: end\b/;
const MAX_COLUMNS = 120;

/**
 * Finds banned phrases, and lines of Markdown that are too long to read.
 *
 * @returns {Promise<boolean>}
 */
export async function checkWords() {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  });
  const files = stdout.split('\0').filter((name) => READ.test(name) && !LEFT_OUT.test(name));
  /** @type {string[]} */
  const faults = [];
  for (const file of files) {
    const text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
    faults.push(...wordFaults(file, text));
  }
  for (const fault of faults) console.error(fault);
  return faults.length === 0;
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {string[]} a sentence for each fault
 */
export function wordFaults(file, text) {
  const isMarkdown = file.endsWith('.md');
  const lines = text.split('\n');
  /** @type {string[]} */
  const faults = [];
  let quoted = false;
  for (const [index, line] of lines.entries()) {
    if (isMarkdown && QUOTE.test(line)) quoted = true;
    const excused = quoted || QUOTE.test(line) || QUOTE.test(lines[index - 1] ?? '');
    if (isMarkdown && QUOTE_END.test(line)) quoted = false;
    const place = `${file}:${index + 1}`;
    if (isMarkdown && line.length > MAX_COLUMNS) {
      faults.push(`${place} has ${line.length} columns, more than ${MAX_COLUMNS}.`);
    }
    if (excused) continue;
    for (const { pattern, reason, instead } of BANNED_WORDS) {
      const found = pattern.exec(line)?.[0];
      if (found === undefined) continue;
      faults.push(`${place} says "${found.trim()}". ${reason} Write: ${instead}.`);
    }
  }
  return faults;
}

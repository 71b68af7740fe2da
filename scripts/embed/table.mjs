import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../run.mjs';

/** The guide that holds the table. */
const GUIDE = join(ROOT, 'docs/embedding.md');
const TABLE =
  /(?<=\| set-up \| worklets \| PCM \| Opus \| what you do \|\n\|[-| ]+\|\n)(?:\|.*\n)+/;

/**
 * @typedef {object} TableRow
 * @property {import('./setups.mjs').EmbedSetup} setup
 * @property {number | undefined} [pcmBytes] - compressed; undefined where it says nothing
 * @property {number | undefined} [opusBytes] - compressed
 */

/**
 * The rows of the guide's table, as Markdown.
 *
 * @param {readonly TableRow[]} rows
 */
export function tableOf(rows) {
  return rows.map(({ setup, pcmBytes, opusBytes }) => {
    const { name, worklet, cure = 'nothing' } = setup;
    const cells = [name, worklet === 'file' ? 'file' : `\`${worklet}\``, kilobytes(pcmBytes)];
    return `| ${[...cells, kilobytes(opusBytes), cure].join(' | ')} |\n`;
  });
}

/** The rows that the guide has. @returns {Promise<string[]>} */
export async function guideRows() {
  const [rows] = TABLE.exec(await readFile(GUIDE, 'utf8')) ?? [];
  if (rows === undefined) throw new Error('docs/embedding.md has no table of set-ups.');
  return rows.split(/(?<=\n)/);
}

/** @param {readonly TableRow[]} rows */
export async function writeGuide(rows) {
  await guideRows();
  const guide = await readFile(GUIDE, 'utf8');
  await writeFile(
    GUIDE,
    guide.replace(TABLE, () => tableOf(rows).join('')),
  );
}

/** @param {number | undefined} bytes */
function kilobytes(bytes) {
  return bytes === undefined ? '–' : `${(bytes / 1000).toFixed(0)} kB`;
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workletNames } from './bundle-worklet.mjs';
import { weigh } from './measure-size.mjs';
import { measureUse, SIZE_USES } from './size-uses.mjs';
import { ROOT } from './run.mjs';

/** Budgets are multiples of this, so that not every line of code moves one. */
const STEP_BYTES = 256;
const BUDGET = join(ROOT, 'size-budget.json');

/**
 * Compares what users download, minified and compressed, with size-budget.json. A change that needs more raises the
 * budget in the same commit, where a review sees it.
 *
 * @param {{ readonly update: boolean }} options - raise what does not suffice, and drop what is no more
 * @returns {Promise<boolean>}
 */
export async function checkSize({ update }) {
  /** @type {Record<string, number>} */
  const budget = JSON.parse(await readFile(BUDGET, 'utf8'));
  /** @type {Record<string, number>} */
  const needed = {};
  let good = true;
  for (const [name, { minified, gzip }] of Object.entries(await measureSizes())) {
    const limit = budget[name];
    const fits = limit !== undefined && gzip <= limit;
    console.log(
      `  ${name.padEnd(28)} ${String(minified).padStart(7)} B min ${String(gzip).padStart(6)} B gzip, ` +
        `budget ${limit ?? 'none'}${fits ? '' : ', too little'}`,
    );
    needed[name] = fits ? limit : Math.ceil(gzip / STEP_BYTES) * STEP_BYTES;
    good &&= fits;
  }
  good = (await checkTable(update)) && good;
  if (update) await writeFile(BUDGET, `${JSON.stringify(needed, null, 2)}\n`);
  return good || update;
}

/**
 * `page` is what an import costs at once, `fetched` what the use then fetches of what may be fetched later (`on demand`), and
 * `in all` both with the worklets. The inline copies of the worklets are not counted: they are fetched where nothing else
 * works, in place of the files.
 *
 * @returns {Promise<Record<string, import('./measure-size.mjs').Size>>}
 */
async function measureSizes() {
  /** @type {Record<string, import('./measure-size.mjs').Size>} */
  const sizes = {};
  for (const name of await workletNames()) {
    sizes[`worklets/${name}.js`] = weigh(await readFile(join(ROOT, `dist/worklets/${name}.js`)));
  }
  for (const [name, use] of Object.entries(SIZE_USES)) {
    const { page, onDemand, inAll } = await measureUse(use);
    sizes[`${name}: page`] = page;
    if (onDemand.gzip > 0) sizes[`${name}: on demand`] = onDemand;
    sizes[`${name}: in all`] = inAll;
  }
  sizes['min/micwire.js'] = weigh(await readFile(join(ROOT, 'dist/min/micwire.js')));
  return sizes;
}

const README = join(ROOT, 'README.md');
/** Figures of README that differ by less are right: not every line of code moves one. */
const TABLE_TOLERANCE = 0.03;

/**
 * Compares our rows of README's table with what is measured. The peers' rows come from `npm run bench -- sizes`.
 *
 * @param {boolean} update
 * @returns {Promise<boolean>}
 */
async function checkTable(update) {
  let text = await readFile(README, 'utf8');
  let good = true;
  for (const use of Object.values(SIZE_USES)) {
    if (use.title === undefined) continue;
    const start = `| ${use.title} |`;
    const line = text.split('\n').find((candidate) => candidate.startsWith(start));
    if (line === undefined) {
      console.error(`  README.md lacks a row '${use.title}'.`);
      good = false;
      continue;
    }
    const { page, worklets, fetched, inAll } = await measureUse(use);
    const measured = [page, worklets, fetched, inAll].map(({ gzip }) => gzip / 1000);
    const written = [...line.slice(start.length).matchAll(/[\d.]+/g)].map(Number);
    const near = measured.every(
      (value, i) => Math.abs(value - (written[i] ?? NaN)) <= 0.05 + TABLE_TOLERANCE * value,
    );
    if (near) continue;
    const row = `${start} ${measured.map((value) => value.toFixed(1)).join(' | ')} |`;
    if (!update) console.error(`  README.md says\n    ${line}\n  but measured is\n    ${row}`);
    text = text.replace(line, row);
    good = false;
  }
  if (update) await writeFile(README, text);
  return good;
}

/**
 * Plants faults: `npm run bench -- <suite> --planted` shows within how many seeds each is found. A fault is a piece of source that
 * is replaced as the bundle is made; nothing on the disk changes.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../scripts/run.mjs';

/** Seeds within which a planted fault has to be found. */
const MOST_SEEDS = 300;

/**
 * @typedef {object} Fault
 * @property {string} name what goes wrong, as a sentence
 * @property {string} file below src/core
 * @property {string} anchor occurs there exactly once
 * @property {string} replacement
 */

/**
 * Replaces a fault's anchor in its file.
 *
 * @param {Fault} fault
 * @param {string} source
 * @returns {string}
 */
export function plant({ name, file, anchor, replacement }, source) {
  const parts = source.split(anchor);
  if (parts.length === 2) return parts.join(replacement);
  throw new Error(
    `'${name}' cannot be planted: its anchor occurs ${parts.length - 1} times in src/core/${file}. ` +
      'Write the fault for the code as it is now, where the suite has its faults.',
  );
}

/**
 * The file that a fault is planted in.
 *
 * @param {Fault} fault
 * @returns {Promise<string>}
 */
export function sourceOf({ file }) {
  return readFile(join(ROOT, 'src/core', file), 'utf8');
}

/**
 * A plugin of the bundler that plants a fault.
 *
 * @param {Fault} fault
 * @returns {import('rolldown').Plugin}
 */
function planting(fault) {
  return {
    name: 'plant-a-fault',
    load: {
      filter: { id: /\.ts$/ },
      async handler(id) {
        if (!id.endsWith(join('src/core', fault.file))) return null;
        return { code: plant(fault, await sourceOf(fault)), moduleType: 'ts' };
      },
    },
  };
}

/**
 * Plants one fault after the other, and looks for the first seed that shows it.
 *
 * @param {string} subject the suite
 * @param {readonly Fault[]} faults
 * @param {(plugin: import('rolldown').Plugin) => Promise<any>} load bundles the suite with a plugin, and imports it
 * @returns {Promise<import('../../bench/measure.ts').Row[]>}
 */
export async function runPlanted(subject, faults, load) {
  /** @type {import('../../bench/measure.ts').Row[]} */
  const rows = [];
  for (const fault of faults) plant(fault, await sourceOf(fault));
  // Seeds that fail without any planted fault show nothing.
  const clean = await load({ name: 'plant-nothing' });
  const except = new Set(await clean.failingSeeds(MOST_SEEDS));
  if (except.size > 0)
    console.log(`Fail as it is, and are left out: seeds ${[...except].join(', ')}.`);
  for (const fault of faults) {
    const suite = await load(planting(fault));
    const found = await suite.firstFailure(MOST_SEEDS, except);
    const seeds = found === null ? Infinity : found.seed + 1;
    const rule = found === null ? `not found in ${MOST_SEEDS}` : `found by '${found.failure.rule}'`;
    console.log(`${fault.name}: ${rule}${found === null ? '' : `, seed ${found.seed}`}`);
    if (found === null) process.exitCode = 1;
    rows.push({ case: fault.name, subject, metric: rule, value: seeds, unit: 'seeds' });
  }
  return rows;
}

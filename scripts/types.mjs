/**
 * `npm run test:types`: packs the library as it would be published, installs the tarball beside every TypeScript that it
 * supports, and compiles small apps of four scopes against it, by both ways of resolving modules, strictly and without
 * `skipLibCheck`. Ends with "N passed, N failed".
 * `--quick` takes the oldest and the newest instead of all; `--only 5.4,7.0` those; `--json FILE` keeps the rows; `--no-build` takes what
 * is in dist.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { installPacked } from './pack-library.mjs';
import { ROOT, run } from './run.mjs';
import { QUICK_VERSIONS, RESOLUTIONS, SETTINGS, VERSIONS } from './types-matrix.mjs';

const FIXTURE = join(ROOT, 'test/fixtures/types');
/** How many lines of a compiler are shown. */
const SHOWN_FAULTS = 5;

/**
 * @typedef {object} TypesRow
 * @property {string} typescript
 * @property {string} setting
 * @property {string} resolution
 * @property {readonly string[]} faults - lines of the compiler; empty when all is well
 * @property {number} seconds
 */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
});
const versions = values.only?.split(',') ?? (values.quick ? QUICK_VERSIONS : VERSIONS);
const unknown = versions.find((version) => !VERSIONS.includes(version));
if (unknown !== undefined) {
  fail(`--only takes some of ${VERSIONS.join(', ')}, got '${unknown}'.`);
}

await ensureInstalled();
if (!values['no-build']) {
  const build = join(ROOT, 'scripts/build.mjs');
  if ((await run(process.execPath, [build], { quiet: true })) !== 0) process.exit(1);
}
const folder = await installPacked(FIXTURE, 'types');
await cp(FIXTURE, folder, { recursive: true });

/** @type {TypesRow[]} */
const rows = [];
for (const version of versions) {
  for (const resolution of Object.keys(RESOLUTIONS)) {
    // Two at once: what two cores carry.
    for (const pair of pairs(Object.keys(SETTINGS))) {
      rows.push(...(await Promise.all(pair.map((name) => compile(version, resolution, name)))));
    }
  }
  const mine = rows.filter(({ typescript }) => typescript === version);
  for (const row of mine.filter(({ faults }) => faults.length > 0)) describe(row);
  const good = mine.filter(({ faults }) => faults.length === 0).length;
  const seconds = mine.reduce((sum, row) => sum + row.seconds, 0);
  console.log(`TypeScript ${version}: ${good} of ${mine.length} (${seconds.toFixed(1)} s)`);
}

const failed = rows.filter(({ faults }) => faults.length > 0).length;
const passed = rows.length - failed;
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ passed, failed, rows }, null, 2)}\n`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * @param {string} version
 * @param {string} resolution
 * @param {string} name of the setting
 * @returns {Promise<TypesRow>}
 */
async function compile(version, resolution, name) {
  const { lib, types, entries } = /** @type {import('./types-matrix.mjs').TypesSetting} */ (
    SETTINGS[name]
  );
  const project = join(folder, `${version}-${resolution}-${name}`);
  await rm(project, { recursive: true, force: true });
  await mkdir(project);
  const imports = (await expand(entries)).map(
    (entry, index) =>
      `export * as entry${index} from '${['micwire', entry].filter(Boolean).join('/')}';\n`,
  );
  await writeFile(join(project, 'entries.ts'), imports.join(''));
  const options = {
    ...RESOLUTIONS[resolution],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2022',
    lib,
    types,
  };
  const files = ['entries.ts', `../${name}.ts`];
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files }),
  );
  const began = performance.now();
  const tsc = join(folder, `node_modules/typescript-${version}/bin/tsc`);
  const text = await promisify(execFile)(
    process.execPath,
    [tsc, '-p', project, '--pretty', 'false'],
    {
      cwd: folder,
      maxBuffer: 2 ** 26,
    },
  ).then(
    () => '',
    ({ stdout, message }) => String(stdout || message),
  );
  return {
    typescript: version,
    setting: name,
    resolution,
    faults: text.split('\n').filter((line) => line.trim() !== ''),
    seconds: (performance.now() - began) / 1000,
  };
}

/**
 * Puts the entries in place of a `*`, from the names of the packed files.
 *
 * @param {readonly string[]} entries
 */
async function expand(entries) {
  const manifest = join(folder, 'node_modules/micwire/package.json');
  const { exports } = JSON.parse(await readFile(manifest, 'utf8'));
  /** @type {string[]} */
  const names = [];
  for (const entry of entries) {
    const target = exports[entry === '' ? '.' : `./${entry}`]?.types;
    if (typeof target !== 'string') throw new Error(`package.json exports no types of ./${entry}.`);
    names.push(...(entry.endsWith('*') ? await matching(entry, target) : [entry]));
  }
  return names;
}

/**
 * @param {string} entry such as `services/*`
 * @param {string} target such as `./dist/src/core/services/*.d.ts`
 */
async function matching(entry, target) {
  const [before = '', after = ''] = target.split('*');
  const files = await readdir(join(folder, 'node_modules/micwire', before));
  return files
    .filter((file) => file.endsWith(after))
    .map((file) => entry.replace('*', file.slice(0, -after.length)));
}

/** @param {TypesRow} row */
function describe({ typescript, setting, resolution, faults }) {
  console.log(`✗ TypeScript ${typescript}, ${resolution}, ${SETTINGS[setting]?.title}:`);
  for (const line of faults.slice(0, SHOWN_FAULTS)) console.log(`  ${line}`);
  const more = faults.length - SHOWN_FAULTS;
  if (more > 0) console.log(`  … and ${more} more`);
}

/**
 * @template T
 * @param {readonly T[]} all
 */
function pairs(all) {
  return all.flatMap((_, index) => (index % 2 === 0 ? [all.slice(index, index + 2)] : []));
}

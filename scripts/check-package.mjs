import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { minEntries } from './build-min.mjs';
import { pack } from './pack-library.mjs';
import { ROOT, runTool } from './run.mjs';

/** Everything that may be in the package. The sources are there for the maps: "go to definition" and debuggers show them. */
const SHIPPED = [
  /^(package\.json|LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY|THIRD_PARTY_NOTICES)\.md)$/,
  /^docs\/[\w-]+\.(md|png|svg)$/,
  /^examples\/(README\.md|[\w-]+\/[\w.-]+)$/,
  /^dist\/src\/.+\.(js|d\.ts)(\.map)?$/,
  /^dist\/min\/([\w-]+\/)?[\w-]+\.(js|d\.ts)$/,
  /^dist\/worklets\/[\w-]+(\.inline)?\.js$/,
  /^dist\/worker\/(opus|backup|blocks)(\.inline)?\.js$/,
  /^dist\/custom-elements\.json$/,
  /^dist\/wasm\/libopus\.(wasm|inline\.js)$/,
  /^src\/.+\.ts$/,
];
const REPOSITORY_ONLY = /^(bench|docs\/api|test)(\/|$)/;
const NEEDED = [
  'README.md',
  'LICENSE',
  'dist/src/web/index.js',
  'dist/min/micwire.js',
  'dist/worklets/capture.js',
  'dist/worker/opus.js',
  'dist/worker/backup.js',
  'dist/worker/blocks.js',
  'dist/wasm/libopus.wasm',
  'dist/custom-elements.json',
  'dist/src/elements/index.js',
];

/**
 * Packs what is in dist and judges the tarball as its users will get it.
 *
 * @returns {Promise<boolean>}
 */
export async function checkPackage() {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-pack-'));
  try {
    const { filename, files } = await pack(folder);
    const names = files.map((file) => file.path);
    const wrong = names.filter((name) => !SHIPPED.some((allowed) => allowed.test(name)));
    const missing = NEEDED.filter((name) => !names.includes(name));
    const broken = await brokenLinks(names);
    for (const name of wrong) console.error(`The package must not ship ${name}.`);
    for (const name of missing) console.error(`The package lacks ${name}.`);
    for (const link of broken) console.error(link);

    const wholeMin = await checkMin();
    const tarball = join(folder, filename);
    const lintedWell = await lint(tarball);
    const attw = await runTool(
      '@arethetypeswrong/cli',
      'attw',
      // A worklet file is loaded by address and has no types.
      [tarball, '--profile', 'esm-only', '--exclude-entrypoints', ...worklets(names)],
      { quiet: true },
    );
    const faults = wrong.length + missing.length + broken.length;
    return faults === 0 && wholeMin && lintedWell && attw === 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Each entry in one file exports what the entry does, imports nothing at once, and finds what it fetches.
 *
 * @returns {Promise<boolean>}
 */
async function checkMin() {
  let good = true;
  for (const { name, from } of await minEntries()) {
    const path = join(ROOT, `dist/min/${name}.js`);
    const address = pathToFileURL(path);
    const code = await readFile(path, 'utf8');
    const entry = Object.keys(await import(pathToFileURL(join(ROOT, from)).href));
    await import(address.href);
    const min = [...code.matchAll(/export\{([^}]*)\}/g)].flatMap(([, names = '']) =>
      names.split(',').map((exported) => exported.split(' as ').at(-1) ?? ''),
    );
    const wrong = entry.filter((key) => !min.includes(key));
    if (wrong.length > 0 || entry.length !== min.filter(Boolean).length) {
      console.error(`dist/min/${name}.js does not export what ${from} does: ${wrong.join(', ')}`);
      good = false;
    }
    if (/(?:^|[;}])(?:import|export[^;]*from)["'`{* ]/.test(code)) {
      console.error(`dist/min/${name}.js imports another file.`);
      good = false;
    }
    for (const [, file = ''] of code.matchAll(/[`'"](\.[\w./-]*\.(?:js|wasm))[`'"]/g)) {
      if (existsSync(new URL(file, address))) continue;
      console.error(`dist/min/${name}.js fetches ${file}, which is not there.`);
      good = false;
    }
  }
  return good;
}

/**
 * Relative links of the package's Markdown that lead nowhere once it is installed. Some folders are in the repository
 * only: everything but the README may link to them.
 *
 * @param {readonly string[]} names the files of the package
 */
async function brokenLinks(names) {
  // Folders too.
  const known = new Set(names.flatMap((name) => [name, posix.dirname(name)]));
  /** @type {string[]} */
  const broken = [];
  for (const name of names.filter((each) => each.endsWith('.md'))) {
    const text = await readFile(join(ROOT, name), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s#:]+)(?:#[^)\s]*)?\)/g)) {
      const target = posix.join(posix.dirname(name), link);
      const inRepository = name !== 'README.md' && REPOSITORY_ONLY.test(target);
      if (known.has(target) || inRepository) continue;
      broken.push(`${name} links to ${link}, which the package lacks.`);
    }
  }
  return broken;
}

/** @param {string} tarball */
async function lint(tarball) {
  const { buffer } = new Uint8Array(await readFile(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  for (const message of messages) console.error(`publint: ${formatMessage(message, pkg ?? {})}`);
  return messages.length === 0;
}

/** @param {string[]} names */
function worklets(names) {
  return names.flatMap((name) => /^dist\/(worklets\/.+)$/.exec(name)?.[1] ?? []);
}

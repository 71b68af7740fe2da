/**
 * `npm run docs`: builds the site into docs/site/dist: guides whose snippets run, the reference, the examples, and the
 * lab as `npm run build:lab` makes it.
 * `npm run docs -- --serve` serves it afterwards. MICWIRE_SITE_BASE is the path that it will be served under; `/` without it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT, run } from './run.mjs';
import { serveFolder } from './serve-folder.mjs';

const SITE = join(ROOT, 'docs/site');
const OUTPUT = join(SITE, 'dist');
const { values } = parseArgs({ options: { serve: { type: 'boolean', default: false } } });

await ensureInstalled();
if (!existsSync(join(SITE, 'node_modules/.package-lock.json'))) {
  console.log('Installing what builds the site (npm install in docs/site) …');
  const options = ['install', '--no-audit', '--no-fund'];
  if ((await run('npm', options, { cwd: SITE })) !== 0) fail('npm install in docs/site failed.');
}
console.log('Building the library …');
const build = join(ROOT, 'scripts/build.mjs');
if ((await run(process.execPath, [build], { quiet: true })) !== 0) process.exit(1);

console.log('Building the site …');
const { makePages } = await import('../docs/site/pages.mjs');
await makePages(ROOT, join(ROOT, 'dist/pages'));
const vitepress = join(SITE, 'node_modules/vitepress/bin/vitepress.js');
if ((await run(process.execPath, [vitepress, 'build', SITE])) !== 0) fail('The site failed.');

const lab = [join(ROOT, 'scripts/build-lab.mjs'), '--out', join(OUTPUT, 'lab')];
if ((await run(process.execPath, lab)) !== 0) fail('The lab failed.');
console.log(`The site is in ${OUTPUT}.`);
if (values.serve) {
  const { url } = await serveFolder(OUTPUT);
  console.log(`It is served at ${url}. Ctrl+C ends it.`);
}

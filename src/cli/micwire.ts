#!/usr/bin/env node
/** The command `micwire`: what a project that hosts the package's files itself needs. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CopyError, copyFiles } from './copy-files.ts';

const USAGE = `Usage: micwire copy <dir>

Copies the files that a page fetches by address to <dir>: the worklets (capture.js, meter.js,
playout.js …), and for Opus its Worker and libopus.wasm. For pages that serve them from a place of
their own, as a Content-Security-Policy with script-src 'self' may ask for. Run it again after each
update of the package.

  --help       shows this
  --version    shows the package's version
`;

/** Exit codes: done · it could not be done · it was not asked for properly. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

// From dist/src/cli.
const DIST = new URL('../../', import.meta.url);
const PACKAGE = new URL('../../../package.json', import.meta.url);

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    });
  } catch (error) {
    return misused((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(USAGE);
    return DONE;
  }
  if (values.version) {
    const { version } = JSON.parse(await readFile(PACKAGE, 'utf8')) as { version: string };
    console.log(version);
    return DONE;
  }
  const [command, folder, ...rest] = positionals;
  if (command === undefined) return misused('what shall it do?');
  if (command !== 'copy') return misused(`there is no command '${command}'.`);
  if (folder === undefined) return misused('copy needs a folder.');
  if (rest.length > 0) return misused(`copy takes one folder, got ${rest.length + 1}.`);
  return copy(folder);
}

async function copy(folder: string): Promise<number> {
  try {
    for (const { path, bytes } of await copyFiles(fileURLToPath(DIST), folder)) {
      console.log(`${path} (${(bytes / 1000).toFixed(1)} kB)`);
    }
  } catch (error) {
    if (!(error instanceof CopyError)) throw error;
    console.error(`micwire: ${error.message}`);
    return FAILED;
  }
  console.log('\nServe that folder, and tell each class where it is, for example:');
  console.log(
    '  Capture.create(context, source, { workletUrl: (name) => `/worklets/${name}.js` })',
  );
  return DONE;
}

function misused(message: string): number {
  process.stderr.write(`micwire: ${message}\n\n${USAGE}`);
  return MISUSED;
}

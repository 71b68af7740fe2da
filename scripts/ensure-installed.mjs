import { readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

/** Written by every npm install; older than the lock file when the lock file has changed since. */
const INSTALLED = join(ROOT, 'node_modules/.package-lock.json');

/**
 * Makes sure that Node is new enough and that the packages of package-lock.json are installed; ends the process with a
 * sentence that says what to do when they cannot be.
 *
 * @returns {Promise<void>}
 */
export async function ensureInstalled() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const needed = engines.node.replace('>=', '');
  if (isOlder(process.versions.node, needed)) {
    fail(
      `micwire needs Node ${needed} or newer, and this is ${process.versions.node}: see nodejs.org.`,
    );
  }
  if (modified(INSTALLED) >= modified(join(ROOT, 'package-lock.json'))) return;
  console.log('Installing what is missing (npm install) …');
  // Errors only: libopus-wasm asks for Node 22, of which we read one file (scripts/opus-wasm.mjs), and npm warns at length.
  const options = ['--include=dev', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run('npm', ['install', ...options]).catch(() =>
    fail('npm was not found: it comes with Node, see nodejs.org.'),
  );
  if (code !== 0) {
    fail(
      'npm install failed: its message is above. Without a network connection nothing can be installed; ' +
        'with one, `npm config get registry` shows where npm looks.',
    );
  }
  // npm leaves the file alone when there was nothing to do; the next start shall not ask again.
  utimesSync(INSTALLED, new Date(), new Date());
}

/**
 * Ends the process with a sentence instead of a stack.
 *
 * @param {string} message
 * @returns {never}
 */
export function fail(message) {
  console.error(`\n${message}`);
  process.exit(1);
}

/**
 * @param {string} version
 * @param {string} than
 */
function isOlder(version, than) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}

/** @param {string} file */
function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

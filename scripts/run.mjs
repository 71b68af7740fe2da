import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** How long a program that is to end may take to do so, ms. */
const GRACE_MS = 10_000;

/**
 * Runs a program in the repository's folder with this terminal as its own.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly env?: Record<string, string | undefined>, readonly cwd?: string, readonly quiet?: boolean,
 *   readonly limitMs?: number }} [options] `quiet`: keep the output, and show it only when the program fails; `limitMs`: end it
 *   when it takes longer
 * @returns {Promise<number>} the exit code
 */
export function run(program, args, { env = {}, cwd = ROOT, quiet = false, limitMs } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      // npm is a .cmd file on Windows, which only a shell can start.
      shell: process.platform === 'win32' && program === 'npm',
    });
    let text = '';
    let isLate = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    if (limitMs !== undefined) {
      timer = setTimeout(() => {
        isLate = true;
        console.log(`${program} is ended: it may take ${limitMs / 60_000} minutes.`);
        child.kill();
        // Some programs only tidy up then.
        timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      }, limitMs);
    }
    child.stdout?.on('data', (part) => (text += part));
    child.stderr?.on('data', (part) => (text += part));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (quiet && code !== 0) process.stderr.write(text);
      clearTimeout(timer);
      if (signal !== null && !isLate) console.log(`${program} was ended by ${signal}.`);
      resolve(code === 0 && !isLate ? 0 : code || 1);
    });
  });
}

/**
 * Runs the command `name` of an installed package, on every platform alike (no shell, no .cmd files).
 *
 * @param {string} packageName
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runTool(packageName, name, args, options) {
  return run(process.execPath, [toolFile(packageName, name), ...args], options);
}

/**
 * The script behind the command `name` of an installed package.
 *
 * @param {string} packageName
 * @param {string} name
 */
export function toolFile(packageName, name) {
  const manifest = packageFile(packageName);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[name]);
}

/** @param {string} packageName */
function packageFile(packageName) {
  const require = createRequire(join(ROOT, 'package.json'));
  const folder = require.resolve
    .paths(packageName)
    ?.map((modules) => join(modules, packageName, 'package.json'))
    .find((file) => {
      try {
        return readFileSync(file).length > 0;
      } catch {
        return false;
      }
    });
  if (folder === undefined) throw new Error(`${packageName} is not installed: run npm install.`);
  return folder;
}

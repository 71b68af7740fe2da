/**
 * `npm test`: every test a developer needs, in Node and in an installed Chromium.
 * `npm run test:engines`: the browser tests in Chromium, Firefox and WebKitGTK, then the whole lab at work.
 * Further arguments go to Vitest: `npm test -- test/base64.test.ts`, `npm test -- --project node`.
 */
import { findBrowser } from '../test/engines/find-browser.mjs';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { runTool } from './run.mjs';

const args = process.argv.slice(2);
const allEngines = args[0] === '--engines';
if (allEngines) args.splice(0, 1, '--project', 'browser*', '--project', 'lab');
else if (!args.some((arg) => arg.startsWith('--project'))) args.push('--project', '!lab');

await ensureInstalled();

const engines = allEngines
  ? ['chromium', 'firefox', 'webkit']
  : (process.env['MICWIRE_ENGINES'] ?? 'chromium').split(',');
const projectAt = args.indexOf('--project');
if (args[projectAt + 1] !== 'node') {
  try {
    for (const engine of engines) {
      console.log(`${engine}: ${findBrowser(/** @type {any} */ (engine))}`);
    }
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

process.exitCode = await runTool('vitest', 'vitest', ['run', ...args], {
  env: { MICWIRE_ENGINES: engines.join(',') },
});

/** `npm run format`: formats all files, or those that are named. */
import { ensureInstalled } from './ensure-installed.mjs';
import { runTool } from './run.mjs';

await ensureInstalled();
const files = process.argv.slice(2);
process.exitCode = await runTool('oxfmt', 'oxfmt', files.length > 0 ? files : ['.']);

/**
 * `node scripts/vendor-types.mjs`: installs the packages of test/services/package.json, whose types
 * `test/services/vendor-types.test.ts` compiles our messages against, into node_modules/.vendor-types: about 200 MB.
 */
import { installApart } from './install-apart.mjs';

await installApart('The vendors’ types', 'test/services', 'node_modules/.vendor-types');

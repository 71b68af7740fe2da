/**
 * `node scripts/frameworks.mjs`: installs the packages of test/frameworks/package.json, Fastify and Express, which
 * `test/frameworks.test.ts` has serve streams, into node_modules/.frameworks: about 20 MB.
 */
import { installApart } from './install-apart.mjs';

await installApart('The frameworks', 'test/frameworks', 'node_modules/.frameworks');

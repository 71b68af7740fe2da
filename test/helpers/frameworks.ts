import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const LOCK = readFileSync(join(ROOT, 'test/frameworks/package-lock.json'), 'utf8');

/** Where `node scripts/frameworks.mjs` installs Fastify and Express. */
export const FRAMEWORKS: string = join(ROOT, 'node_modules/.frameworks');
const INSTALLED = join(FRAMEWORKS, 'installed.json');

/** Whether they are installed, in the versions that are asked for. */
export const hasFrameworks: boolean =
  existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === LOCK;

/** Loads one of them. */
export const loadFramework: NodeJS.Require = createRequire(join(FRAMEWORKS, 'package.json'));

/** What the guides import of them, with the declarations in their folder. */
export const FRAMEWORK_TYPES: Readonly<Record<string, string>> = {
  fastify: 'fastify/fastify.d.ts',
  '@fastify/websocket': '@fastify/websocket/types/index.d.ts',
  express: '@types/express/index.d.ts',
};

/** Whether a snippet imports one of them. */
export function needsFrameworks(code: string): boolean {
  return Object.keys(FRAMEWORK_TYPES).some((name) => code.includes(`from '${name}'`));
}

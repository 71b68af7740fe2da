import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleTesting } from './helpers/case-runner.ts';

const GUIDE = await readFile(new URL('../docs/testing.md', import.meta.url), 'utf8');
/** Every code block, by the file name in its first line. */
const FILES = [...GUIDE.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(
  ([, name = '', code = '']) => ({ name, code }),
);
const TESTS = FILES.filter(({ name }) => name.endsWith('.test.js'));

const VITEST = fileURLToPath(new URL('../node_modules/vitest', import.meta.url));

const ROOT = new URL('..', import.meta.url);
/** What the package has beside `micwire/testing` is used from its sources. */
const CONFIG = `
import { worklets } from '${new URL('scripts/vite-worklets.mjs', ROOT).href}';
const source = (path) => ${JSON.stringify(fileURLToPath(new URL('src/', ROOT)))} + path;
export default {
  plugins: [worklets()],
  resolve: {
    alias: [
      { find: /^micwire$/, replacement: source('web/index.ts') },
      { find: 'micwire/testing/fakes', replacement: source('testing/fakes/index.ts') },
      { find: /^micwire\\/services\\/(.*)$/, replacement: source('core/services/$1.ts') },
    ],
  },
  test: { testTimeout: 20_000 },
};
`;

let folder: string;

/** A project that has the package installed and the guide's files beside it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-guide-'));
  const micwire = join(folder, 'node_modules/micwire');
  await mkdir(micwire, { recursive: true });
  await bundleTesting(micwire);
  const manifest = { type: 'module', exports: { './testing': './index.js' } };
  await writeFile(join(micwire, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'vitest.config.js'), CONFIG);
  await symlink(VITEST, join(folder, 'node_modules/vitest'), 'junction');
  for (const { name, code } of FILES) await writeFile(join(folder, name), code);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('every code block of docs/testing.md is a file', () => {
  expect(FILES).toHaveLength(GUIDE.match(/^```js/gm)!.length);
  expect(TESTS.length).toBeGreaterThanOrEqual(4);
});

test.each(TESTS)(
  'docs/testing.md: $name runs as written',
  async ({ name, code }) => {
    const isVitest = code.includes("from 'vitest'");
    const args = isVitest
      ? [join(VITEST, 'vitest.mjs'), 'run', '--reporter=tap', name]
      : ['--test', '--test-reporter=tap', name];
    // The variables of this run of Vitest would be taken for the other's.
    const { PATH } = process.env;
    const options = { cwd: folder, env: { PATH, NO_COLOR: '1' } };
    const { stdout, code: exit } = await new Promise<{ stdout: string; code: unknown }>(
      (resolve) => {
        execFile(process.execPath, args, options, (error, out, err) => {
          resolve({ stdout: out + err, code: error?.code ?? 0 });
        });
      },
    );
    expect(exit, stdout).toBe(0);
    // The file itself counts as a test, too, in some versions.
    const passed = stdout.match(/^ *ok \d+/gm)?.length ?? 0;
    expect(passed, stdout).toBeGreaterThanOrEqual(code.match(/^test\(/gm)!.length);
  },
  60_000,
);

import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rolldown } from 'rolldown';

const BANNER = '/*! micwire 9.8.7, worklets/x.js, MIT licence */\n';
let root: string;
let home: string;

/** A package as it is installed, with the command made from source. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'micwire-cli-'));
  const build = await rolldown({
    input: fileURLToPath(new URL('../src/cli/micwire.ts', import.meta.url)),
    platform: 'node',
  });
  await build.write({
    file: join(root, 'dist/src/cli/micwire.js'),
    codeSplitting: false,
    format: 'esm',
  });
  await build.close();
  await writeFile(join(root, 'package.json'), '{"version":"9.8.7","type":"module"}');
  const worklets = join(root, 'dist/worklets');
  await mkdir(worklets);
  for (const name of ['capture', 'meter']) {
    await writeFile(join(worklets, `${name}.js`), `${BANNER}${name}`);
    await writeFile(join(worklets, `${name}.inline.js`), 'export default 0;');
    await writeFile(join(worklets, `${name}.d.ts.map`), '{}');
  }
  for (const [folder, name, content] of [
    ['worker', 'opus.js', BANNER],
    ['worker', 'opus.inline.js', 'export default 0;'],
    ['wasm', 'libopus.wasm', '\0asm'],
    ['wasm', 'libopus.inline.js', 'export default 0;'],
  ] as const) {
    await mkdir(join(root, 'dist', folder), { recursive: true });
    await writeFile(join(root, 'dist', folder, name), content);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  home = await mkdtemp(join(root, 'app-'));
});

function micwire(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = join(root, 'dist/src/cli/micwire.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd: home }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

const COPIED = ['capture.js', 'libopus.wasm', 'meter.js', 'opus.js'];

test('copy makes the folder and copies the files that pages fetch, and nothing else', async () => {
  const { code, stdout, stderr } = await micwire('copy', 'public/worklets');
  expect([code, stderr]).toEqual([0, '']);
  expect(await readdir(join(home, 'public/worklets'))).toEqual(COPIED);
  expect(await readFile(join(home, 'public/worklets/meter.js'), 'utf8')).toBe(`${BANNER}meter`);
  expect(stdout).toContain(join('public/worklets', 'capture.js'));
  expect(stdout).toContain('workletUrl');
});

test('copy replaces its own files of another version', async () => {
  await writeFile(join(home, 'meter.js'), '/*! micwire 0.0.1 */');
  expect((await micwire('copy', '.')).code).toBe(0);
  expect(await readFile(join(home, 'meter.js'), 'utf8')).toBe(`${BANNER}meter`);
  expect((await micwire('copy', '.')).code).toBe(0);
  expect(await readdir(home)).toEqual(COPIED);
});

test('copy does not overwrite a foreign file, and then copies nothing', async () => {
  await writeFile(join(home, 'meter.js'), 'mine');
  const { code, stderr } = await micwire('copy', '.');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^micwire: would replace what is not micwire's: meter\.js/);
  expect(await readdir(home)).toEqual(['meter.js']);
});

test('copy says why it cannot write', async () => {
  await writeFile(join(home, 'file'), '');
  const { code, stderr } = await micwire('copy', 'file');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^micwire: cannot write to file: E[A-Z]+/);
  expect(stderr).not.toContain('    at ');
});

test.each([
  [[], 'what shall it do?'],
  [['copy'], 'copy needs a folder.'],
  [['copy', 'a', 'b'], 'copy takes one folder, got 2.'],
  [['move', 'a'], "there is no command 'move'."],
  [['copy', '--force', 'a'], "Unknown option '--force'"],
])('%j is refused with the usage', async (args, message) => {
  const { code, stdout, stderr } = await micwire(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: micwire copy <dir>');
  await expect(access(join(home, 'a'))).rejects.toThrow();
});

test('--help and --version', async () => {
  expect((await micwire('--help')).stdout).toContain('Usage: micwire copy <dir>');
  expect(await micwire('--version')).toEqual({ code: 0, stdout: '9.8.7\n', stderr: '' });
});

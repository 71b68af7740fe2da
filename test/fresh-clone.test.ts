/** CONTRIBUTING: every command installs what is missing, and ends with a sentence when it cannot. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** What the commands are made of. */
const PARTS = ['package.json', 'package-lock.json', 'scripts', 'bench', 'test/engines'];
const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const ARGS: Readonly<Record<string, readonly string[]>> = {
  bench: ['resampler'],
  mutation: ['dsp'],
};
/** `types` is the compiler itself, for editors; `prepack` is `build`; `phone` needs nothing that npm installs. */
const OTHERS = ['types', 'prepack', 'phone'];
const COMMANDS = Object.keys(scripts).filter((name) => !OTHERS.includes(name));

let folder: string;

/** A clone in which nothing is installed, and an npm that cannot install. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-clone-'));
  for (const part of PARTS) {
    await cp(join(ROOT, part), join(folder, part), {
      recursive: true,
      filter: (source) => !source.includes('node_modules'),
    });
  }
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/npm'), '#!/bin/sh\nexit 1\n');
  await chmod(join(folder, 'bin/npm'), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.skipIf(process.platform === 'win32').each(COMMANDS)(
  'npm run %s on a fresh clone asks npm for the packages, and says why it cannot go further',
  async (name) => {
    const [, script = ''] = /^node (\S+)/.exec(scripts[name]!) ?? [];
    const given = scripts[name]!.split(' ').slice(2);
    const env = {
      ...process.env,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    };
    const args = [script, ...given, ...(ARGS[name] ?? [])];
    const { code, text } = await new Promise<{ code: unknown; text: string }>((resolve) => {
      execFile(process.execPath, args, { cwd: folder, env }, (error, stdout, stderr) => {
        resolve({ code: error?.code ?? 0, text: stdout + stderr });
      });
    });
    expect(text).toContain('npm install failed');
    expect(text).not.toMatch(/\n\s+at /);
    expect(code).not.toBe(0);
  },
);

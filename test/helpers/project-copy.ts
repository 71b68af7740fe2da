import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

/** A copy of the repository's files, to try a change in. */
export interface ProjectCopy {
  /** Writes a new file. */
  add(file: string, text: string): Promise<void>;
  /** Puts a line beside every line that `pattern` matches: `replace` makes it from that line. */
  besideLines(file: string, pattern: RegExp, replace: (line: string) => string): Promise<number>;
  /** Runs test files in Node. Rejects with their output when one fails. Resolves with the names of the tests that passed. */
  test(...files: readonly string[]): Promise<readonly string[]>;
  delete(): Promise<void>;
}

/** Copies what git knows and what is new; installed packages are linked. */
export async function copyProject(): Promise<ProjectCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-copy-'));
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await promisify(execFile)('git', list, { cwd: ROOT, maxBuffer: 2 ** 24 });
  const files = stdout.split('\0').filter((name) => name !== '' && !name.startsWith('docs/'));
  const folders = new Set(files.map((name) => dirname(name)));
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  // A file that was deleted and not committed yet is still in git's list.
  await Promise.all(
    files.map((name) => copyFile(join(ROOT, name), join(folder, name)).catch(() => {})),
  );
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return {
    add: (file, text) => writeFile(join(folder, file), text),

    async besideLines(file, pattern, replace) {
      const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
      const more = lines.flatMap((line) => (pattern.test(line) ? [line, replace(line)] : [line]));
      await writeFile(join(folder, file), more.join('\n'));
      return more.length - lines.length;
    },

    async test(...names) {
      const report = join(folder, 'report.json');
      const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
      const args = [
        vitest,
        'run',
        '--project',
        'node',
        '--reporter=json',
        `--outputFile=${report}`,
      ];
      await promisify(execFile)(process.execPath, [...args, ...names], {
        cwd: folder,
        maxBuffer: 2 ** 26,
      }).catch(async (error: unknown) => {
        throw new Error((await failuresOf(report)) || String(error), { cause: error });
      });
      const result = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
      return result.testResults.flatMap(({ assertionResults }) =>
        assertionResults.map(({ fullName }) => fullName),
      );
    },

    delete: () => rm(folder, { recursive: true, force: true }),
  };
}

interface VitestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function failuresOf(report: string): Promise<string> {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return '';
  const { testResults } = JSON.parse(text) as VitestReport;
  return testResults
    .flatMap(({ message, assertionResults }) => [
      message,
      ...assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('\n')}`),
    ])
    .filter((line) => line !== '')
    .join('\n');
}

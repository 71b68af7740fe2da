import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * For tests in the browser: what a program on this machine says about a file that the browser made.
 *
 * @param {unknown} _context
 * @param {string} base64 the file
 * @param {string} program
 * @param {readonly string[]} args `FILE` stands for its path
 * @returns {Promise<{ stdout: string, stderr: string, outputBytes: number } | null>} null where the program is not installed
 */
export async function askProgram(_context, base64, program, args) {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-media-'));
  try {
    const file = join(folder, 'file');
    await writeFile(file, Buffer.from(base64, 'base64'));
    const { stdout, stderr } = await promisify(execFile)(
      program,
      args.map((arg) => arg.replace('FILE', file)),
      { encoding: 'buffer', maxBuffer: 2 ** 28 },
    );
    const text = stdout.length < 100_000 ? stdout.toString('latin1') : '';
    return { stdout: text, stderr: stderr.toString(), outputBytes: stdout.length };
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === 'ENOENT') return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

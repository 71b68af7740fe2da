import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The package's folders whose files a page fetches by address, and which of their files that are. */
const FETCHED: readonly (readonly [folder: string, wanted: RegExp])[] = [
  ['worklets', /^[\w-]+\.js$/],
  ['worker', /^[\w-]+\.js$/],
  ['wasm', /^[\w-]+\.wasm$/],
];
/** What our files begin with: the build writes the first into each script, the other is WebAssembly's own. */
const BEGINNINGS: readonly string[] = ['/*! micwire ', '\0asm'];

/** A file that was copied. */
export interface CopiedFile {
  /** With its folder. */
  readonly path: string;
  readonly bytes: number;
}

/** A failure that is told to the user as it is, without a stack. */
export class CopyError extends Error {}

/**
 * Copies the files that pages fetch by address into one folder, which is made when it does not exist. Copies of another
 * version are replaced.
 *
 * @param from the package's folder `dist`
 * @param to where the files shall be
 * @throws CopyError when the package has no worklets, when the folder cannot be written, or when a file there has the
 *   same name and is not one of ours; then none is written.
 */
export async function copyFiles(from: string, to: string): Promise<CopiedFile[]> {
  const files = await fetchedFiles(from);
  const foreign: string[] = [];
  for (const { name } of files) {
    const path = join(to, name);
    const present = await readFile(path, 'latin1').catch(() => undefined);
    const ours = BEGINNINGS.some((beginning) => present?.startsWith(beginning));
    if (present !== undefined && !ours) foreign.push(path);
  }
  if (foreign.length > 0) {
    const names = foreign.join(', ');
    throw new CopyError(`would replace what is not micwire's: ${names}. Choose another folder.`);
  }
  const copied: CopiedFile[] = [];
  try {
    await mkdir(to, { recursive: true });
    for (const { name, content } of files) {
      const path = join(to, name);
      await writeFile(path, content);
      copied.push({ path, bytes: content.byteLength });
    }
  } catch (error) {
    throw new CopyError(`cannot write to ${to}: ${(error as Error).message}`);
  }
  return copied;
}

async function fetchedFiles(from: string): Promise<{ name: string; content: Buffer }[]> {
  const files: { name: string; content: Buffer }[] = [];
  for (const [folder, wanted] of FETCHED) {
    const names = await readdir(join(from, folder)).catch((): string[] => []);
    if (names.length === 0 && folder === 'worklets') {
      throw new CopyError(
        `no worklets in ${from}: install the package again, or run \`npm run build\` in a clone.`,
      );
    }
    for (const name of names.filter((candidate) => wanted.test(candidate)).sort()) {
      files.push({ name, content: await readFile(join(from, folder, name)) });
    }
  }
  return files;
}

import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What each of our files begins with: the build writes it. */
const BANNER = '/*! micwire ';

/** A file that was copied. */
export interface CopiedFile {
  /** With its folder. */
  readonly path: string;
  readonly bytes: number;
}

/** A failure that is told to the user as it is, without a stack. */
export class CopyError extends Error {}

/**
 * Copies the worklets' files into a folder, which is made when it does not exist. Copies of another version are
 * replaced.
 *
 * @param from the package's folder of worklets
 * @param to where the files shall be
 * @throws CopyError when the package has no worklets, when the folder cannot be written, or when a file there has the
 *   same name and is not one of ours; then none is written.
 */
export async function copyWorklets(from: string, to: string): Promise<CopiedFile[]> {
  const files = await worklets(from);
  const foreign: string[] = [];
  for (const { name } of files) {
    const path = join(to, name);
    const present = await readFile(path, 'utf8').catch(() => undefined);
    if (present !== undefined && !present.startsWith(BANNER)) foreign.push(path);
  }
  if (foreign.length > 0) {
    throw new CopyError(
      `would replace what is not micwire's: ${foreign.join(', ')}. Choose another folder.`,
    );
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

async function worklets(folder: string): Promise<{ name: string; content: Buffer }[]> {
  const all = await readdir(folder).catch((): string[] => []);
  const names = all.filter((name) => name.endsWith('.js') && !name.endsWith('.inline.js')).sort();
  if (names.length === 0) {
    throw new CopyError(
      `no worklets in ${folder}: install the package again, or run \`npm run build\` in a clone.`,
    );
  }
  return Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(folder, name)) })),
  );
}

import { copyFile, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MicwireError } from '../../core/errors.ts';

/*
 * Ownership of a recording, which another process may take over while this one is suspended. The owner is the process whose journal is
 * at `<path>.part`. To complete the file, the owner first writes what it can to temporary files, then moves its journal to
 * `<path>.part.closing`, and then moves its files into place. To take over, a process puts a copy of the journal at `<path>.part`, and
 * then checks whether another process was completing the file: if so, it also continues with a copy of the samples, and it removes the
 * temporary files. A process that was suspended at any point in between finds its journal, or its files, gone, and gives up.
 */

/** Returns the path of the journal of a recording in progress. */
export function journalOf(path: string): string {
  return `${path}.part`;
}

/** Returns the path of the journal of a recording that is being completed. */
export function closingOf(path: string): string {
  return `${path}.part.closing`;
}

/** Returns the file that a journal of this name belongs to; undefined if it is not the name of a journal. */
export function recordingOf(name: string): string | undefined {
  return /^(.+)\.part(?:\.closing)?$/.exec(name)?.[1];
}

/** Returns a unique name for a file that will replace `path`. */
export function temporaryOf(path: string): string {
  return `${path}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
}

/**
 * Ensures that no other process completes or continues a recording.
 * @param journal the journal of this process
 * @throws MicwireError `recording` when another process has taken it over
 */
export async function claimJournal(path: string, journal: FileHandle): Promise<void> {
  const part = journalOf(path);
  const closing = closingOf(path);
  if (!(await isSameFile(part, journal))) throw takenOver(path);
  await rename(part, closing).catch(() => {
    throw takenOver(path);
  });
  if (!(await isSameFile(closing, journal))) {
    // It was taken over at this very moment.
    await rename(closing, part).catch(() => {});
    throw takenOver(path);
  }
  if (await exists(part)) throw takenOver(path);
}

/** Reopens a recording that a crash interrupted while it was being completed: for a process that has its folder to itself. */
export async function reopenJournal(path: string): Promise<void> {
  if (!(await exists(journalOf(path)))) {
    await rename(closingOf(path), journalOf(path)).catch(() => {});
  }
}

/** Takes over a recording from a process that is dead, or only suspended. @throws errors of the file system */
export async function takeOverJournal(path: string): Promise<void> {
  const part = journalOf(path);
  const closing = closingOf(path);
  // A unique name: another process may be taking it over, too.
  const copy = temporaryOf(part);
  await copyFile((await exists(part)) ? part : closing, copy);
  await rename(copy, part);
  if ((await exists(closing)) && (await exists(path))) {
    const samples = temporaryOf(path);
    await copyFile(path, samples);
    await rename(samples, path);
  }
  await removeTemporary(path);
}

/** Removes the temporary files of a recording. */
export async function removeTemporary(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    await rm(join(dirname(path), name), { force: true });
  }
}

async function isSameFile(path: string, file: FileHandle): Promise<boolean> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  const own = await file.stat({ bigint: true });
  return found?.ino === own.ino && found.dev === own.dev;
}

/** Returns whether a file exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function takenOver(path: string): MicwireError {
  return new MicwireError(
    'recording',
    `${path} was taken over by another process, which completes it.`,
  );
}

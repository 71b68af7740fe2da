import { copyFile, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MicwireError } from '../../core/errors.ts';

/*
 * Whose a recording is, where another process may have taken it over while this one slept. The owner is the process whose journal
 * lies at `<path>.part`. To complete the file, the owner first makes what it can in files of names of its own, then moves its journal to
 * `<path>.part.closing`, and then puts its files in place. To take over, a process puts a copy of the journal at `<path>.part`, and
 * then looks whether somebody was completing the file: if so, it continues in a copy of the samples, too; and it removes the files that
 * were about to be put in place. A process that slept at any point between finds its journal, or its files, gone, and gives up.
 */

/** The journal of a recording under way. */
export function journalOf(path: string): string {
  return `${path}.part`;
}

/** The journal of a recording that is being completed. */
export function closingOf(path: string): string {
  return `${path}.part.closing`;
}

/** The file that a journal of this name belongs to; undefined for the name of anything else. */
export function recordingOf(name: string): string | undefined {
  return /^(.+)\.part(?:\.closing)?$/.exec(name)?.[1];
}

/** A name that no other process uses, for a file that is about to be put in place of `path`. */
export function temporaryOf(path: string): string {
  return `${path}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
}

/**
 * Makes sure that nobody else completes or continues a recording.
 * @param journal this process's
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
    // It was taken over in this very moment.
    await rename(closing, part).catch(() => {});
    throw takenOver(path);
  }
  if (await exists(part)) throw takenOver(path);
}

/** Continues what a crash has left while it was being completed: for a process that has its folder for itself. */
export async function reopenJournal(path: string): Promise<void> {
  if (!(await exists(journalOf(path)))) {
    await rename(closingOf(path), journalOf(path)).catch(() => {});
  }
}

/** Takes a recording over from a process that is dead, or only asleep. @throws what the system throws */
export async function takeOverJournal(path: string): Promise<void> {
  const part = journalOf(path);
  const closing = closingOf(path);
  // A name of its own: another process may be taking it over, too.
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

/** Removes what was about to be put in place of a recording. */
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

/** Whether there is such a file. */
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

import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isSameStream } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { oggCrc } from '../../core/container/ogg-opus.ts';

/*
 * What a recording under way has, as a file that only grows: a line of JSON, which says what is recorded, then records. A record
 * that a crash cut short fails its checksum; it and what follows are not there.
 *
 *      0               4               8              16              20              24
 *     +---------------+---------------+---------------+---------------+---------------+------- …
 *     | 'mwre'        | bytes         | frame         | frames        | checksum      | bytes
 *     +---------------+---------------+---------------+---------------+---------------+------- …
 *
 * All numbers are little-endian. The checksum is that of Ogg (RFC 3533 §6), of the record with 0 in its place. Samples lie in their
 * file, so that their records have no bytes; of packets the bytes are the packet.
 */

const MAGIC = 0x6572_776d;
const HEAD_BYTES = 24;
const OFFSET = { magic: 0, bytes: 4, frame: 8, frames: 16, checksum: 20 } as const;

/** What the first line says. */
export interface JournalHead {
  readonly micwire: 1;
  readonly stream: StreamFormat;
  /** Frame that the recording begins with. */
  readonly origin: number;
  /** When that frame was captured, ms since 1970. */
  readonly startedAt: number;
}

/** A record of a journal. */
export interface JournalRecord {
  readonly frame: number;
  readonly frames: number;
  /** Where its bytes lie in the journal, and how many they are. */
  readonly offset: number;
  readonly bytes: number;
}

/** The bytes of a record. */
export function encodeRecord(frame: number, frames: number, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEAD_BYTES + payload.length);
  const view = new DataView(record.buffer);
  view.setUint32(OFFSET.magic, MAGIC, true);
  view.setUint32(OFFSET.bytes, payload.length, true);
  view.setFloat64(OFFSET.frame, frame, true);
  view.setUint32(OFFSET.frames, frames, true);
  record.set(payload, HEAD_BYTES);
  view.setUint32(OFFSET.checksum, oggCrc(record), true);
  return record;
}

/** Bytes of a record before its payload. */
export const RECORD_HEAD_BYTES: number = HEAD_BYTES;

/** A journal as it was found. */
export interface FoundJournal {
  readonly head: JournalHead;
  readonly records: readonly JournalRecord[];
  /** Where the next record goes: what is behind was cut short by a crash. */
  readonly end: number;
}

/** Reads a journal. @returns undefined where there is none, or a crash has left not even its first line */
export async function readJournal(path: string): Promise<FoundJournal | undefined> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const line = file.indexOf(10);
  const head = line < 0 ? undefined : readHead(file.subarray(0, line).toString());
  if (head === undefined) return undefined;
  const records: JournalRecord[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = line + 1;
  while (at + HEAD_BYTES <= file.length && view.getUint32(at, true) === MAGIC) {
    const bytes = view.getUint32(at + OFFSET.bytes, true);
    const end = at + HEAD_BYTES + bytes;
    if (end > file.length) break;
    const checksum = view.getUint32(at + OFFSET.checksum, true);
    view.setUint32(at + OFFSET.checksum, 0, true);
    if (oggCrc(file.subarray(at, end)) !== checksum) break;
    records.push({
      frame: view.getFloat64(at + OFFSET.frame, true),
      frames: view.getUint32(at + OFFSET.frames, true),
      offset: at + HEAD_BYTES,
      bytes,
    });
    at = end;
  }
  return { head, records, end: at };
}

function readHead(text: string): JournalHead | undefined {
  try {
    const head = JSON.parse(text) as JournalHead;
    return head.micwire === 1 && isSameStream(head.stream, head.stream) ? head : undefined;
  } catch {
    return undefined;
  }
}

/** Begins a journal, or opens the one that was found. */
export async function openJournal(
  path: string,
  head: JournalHead,
  found: FoundJournal | undefined,
): Promise<{ readonly file: FileHandle; readonly end: number }> {
  if (found !== undefined) {
    const file = await open(path, 'r+');
    await file.truncate(found.end);
    return { file, end: found.end };
  }
  const file = await open(path, 'w+');
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  await file.write(line, 0, line.length, 0);
  return { file, end: line.length };
}

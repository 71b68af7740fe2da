import { open } from 'node:fs/promises';
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
/** More than a packet of any codec has: what claims to be longer is no record. */
const MAX_PACKET_BYTES = 2 ** 24;
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

/** A journal as it was found. */
export interface FoundJournal {
  readonly head: JournalHead;
  /** Where the next record goes: what is behind was cut short by a crash. */
  readonly end: number;
}

/** Read at once: a journal of days does not fit into memory. */
const BLOCK_BYTES = 2 ** 20;
/** The first line is shorter. */
const MAX_LINE_BYTES = 4096;

/**
 * Reads a journal from its start, record by record.
 * @param visit gets each record, and its bytes as a view that the next one overwrites; a promise is waited for. Null: only the first
 *   line is read
 * @returns undefined if there is none, or a crash has left not even its first line
 */
export async function scanJournal(
  path: string,
  visit: ((record: JournalRecord, payload: Uint8Array) => Promise<void> | void) | null,
): Promise<FoundJournal | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await scanOpenJournal(file, visit);
  } finally {
    await file.close();
  }
}

/** The same of a journal that is open. */
export async function scanOpenJournal(
  file: FileHandle,
  visit: ((record: JournalRecord, payload: Uint8Array) => Promise<void> | void) | null,
): Promise<FoundJournal | undefined> {
  const begin = Buffer.alloc(MAX_LINE_BYTES);
  const { bytesRead } = await file.read(begin, 0, begin.length, 0);
  const line = begin.subarray(0, bytesRead).indexOf(10);
  const head = line < 0 ? undefined : readHead(begin.subarray(0, line).toString());
  if (head === undefined) return undefined;
  const end = visit === null ? line + 1 : await scanRecords(file, line + 1, visit);
  return { head, end };
}

/** @returns where the last whole record ends */
async function scanRecords(
  file: FileHandle,
  from: number,
  visit: (record: JournalRecord, payload: Uint8Array) => Promise<void> | void,
): Promise<number> {
  let block = Buffer.alloc(0);
  /** Where the block lies in the file, and where in it the next record begins. */
  let start = from;
  let at = 0;
  /** Makes so many bytes of the next record available. @returns whether they are there */
  const fill = async (bytes: number): Promise<boolean> => {
    if (at + bytes <= block.length) return true;
    const next = Buffer.alloc(Math.max(BLOCK_BYTES, bytes));
    const kept = block.copy(next, 0, at);
    start += at;
    at = 0;
    let length = kept;
    while (length < next.length) {
      const { bytesRead } = await file.read(next, length, next.length - length, start + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    block = next.subarray(0, length);
    return bytes <= length;
  };
  for (;;) {
    if (!(await fill(HEAD_BYTES)) || block.readUInt32LE(at) !== MAGIC) break;
    const bytes = block.readUInt32LE(at + OFFSET.bytes);
    if (bytes > MAX_PACKET_BYTES || !(await fill(HEAD_BYTES + bytes))) break;
    const whole = block.subarray(at, at + HEAD_BYTES + bytes);
    const checksum = whole.readUInt32LE(OFFSET.checksum);
    whole.writeUInt32LE(0, OFFSET.checksum);
    if (oggCrc(whole) !== checksum) break;
    const record = {
      frame: whole.readDoubleLE(OFFSET.frame),
      frames: whole.readUInt32LE(OFFSET.frames),
      offset: start + at + HEAD_BYTES,
      bytes,
    };
    const visited = visit(record, whole.subarray(HEAD_BYTES));
    if (visited !== undefined) await visited;
    at += whole.length;
  }
  return start + at;
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

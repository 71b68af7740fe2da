import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isSameStream } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { oggCrc } from '../../core/container/ogg-opus.ts';

/*
 * The content of a recording in progress, as a file that only grows: a line of JSON that describes the recording, then records. A
 * record that a crash cut short fails its checksum; it and anything after it are ignored.
 *
 *      0               4               8              16              20              24
 *     +---------------+---------------+---------------+---------------+---------------+------- …
 *     | 'mwre'        | bytes         | frame         | frames        | checksum      | bytes
 *     +---------------+---------------+---------------+---------------+---------------+------- …
 *
 * All numbers are little-endian. The checksum is that of Ogg (RFC 3533 §6), computed over the record with 0 in its place. Samples are
 * in a file of their own, so their records have no bytes; for packets the bytes are the packet.
 */

const MAGIC = 0x6572_776d;
const HEAD_BYTES = 24;
/** Longer than any packet of a codec: anything that claims to be longer is not a record. */
const MAX_PACKET_BYTES = 2 ** 24;
const OFFSET = { magic: 0, bytes: 4, frame: 8, frames: 16, checksum: 20 } as const;

/** The content of the first line. */
export interface JournalHead {
  readonly micwire: 1;
  readonly stream: StreamFormat;
  /** Frame at which the recording begins. */
  readonly origin: number;
  /** When that frame was captured, in ms since 1970. */
  readonly startedAt: number;
}

/** A record of a journal. */
export interface JournalRecord {
  readonly frame: number;
  readonly frames: number;
  /** Position and number of its bytes in the journal. */
  readonly offset: number;
  readonly bytes: number;
}

/** Encodes a record. */
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
  /** Where the next record goes: anything after it was cut short by a crash. */
  readonly end: number;
}

/** Number of bytes read at a time: a journal of days does not fit into memory. */
const BLOCK_BYTES = 2 ** 20;
/** Maximum length of the first line. */
const MAX_LINE_BYTES = 4096;

/**
 * Reads a journal from its start, record by record.
 * @param visit called with each record, and its bytes as a view that the next record overwrites; its promise is awaited. Null to read
 * only the first line
 * @returns undefined if it does not exist, or a crash has not even left its first line
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

/** Does the same with an open journal. */
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

/** @returns where the last complete record ends */
async function scanRecords(
  file: FileHandle,
  from: number,
  visit: (record: JournalRecord, payload: Uint8Array) => Promise<void> | void,
): Promise<number> {
  let block = Buffer.alloc(0);
  /** Position of the block in the file, and of the next record in the block. */
  let start = from;
  let at = 0;
  /** Makes `bytes` bytes of the next record available. @returns whether they exist */
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

/** Creates a journal, or opens the one that was found. */
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

import { existsSync, readFileSync } from 'node:fs';

/** Audio as it reached the host of a server, in the order of arrival. */
export interface SessionRecord {
  readonly frame: number;
  readonly frames: number;
  /** Frames that the server says were missing before it. */
  readonly missing: number;
  readonly bytes: Uint8Array;
}

/** Frame, frames, missing and length of the bytes, each a double. */
const HEADER_BYTES = 32;

/** A record as written to a file. */
export function recordOf({ frame, frames, missing, bytes }: SessionRecord): Uint8Array {
  const record = Buffer.alloc(HEADER_BYTES + bytes.length);
  [frame, frames, missing, bytes.length].forEach((value, i) => record.writeDoubleLE(value, 8 * i));
  record.set(bytes, HEADER_BYTES);
  return record;
}

/** What a session's file holds, and how many bytes of it are whole records. */
export function recordsIn(path: string): { records: SessionRecord[]; bytes: number } {
  const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const records: SessionRecord[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= file.length) {
    const [frame, frames, missing, length] = [0, 1, 2, 3].map((i) => file.readDoubleLE(at + 8 * i));
    const end = at + HEADER_BYTES + length!;
    if (end > file.length) break;
    const bytes = file.subarray(at + HEADER_BYTES, end);
    records.push({ frame: frame!, frames: frames!, missing: missing!, bytes });
    at = end;
  }
  return { records, bytes: at };
}

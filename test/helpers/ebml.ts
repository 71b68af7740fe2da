/** One EBML element, read back (RFC 8794). */
export interface EbmlElement {
  readonly id: number;
  /** Where it begins, and where its content does. */
  readonly at: number;
  readonly contentAt: number;
  readonly data: Uint8Array;
  /** Of elements that have any. */
  readonly children: readonly EbmlElement[];
}

/** Matroska's elements of elements that a file of one track of Opus has. */
const MASTERS = new Set([
  0x1a45dfa3, 0x18538067, 0x114d9b74, 0x4dbb, 0x1549a966, 0x1654ae6b, 0xae, 0xe1, 0x1f43b675, 0xa0,
  0x1c53bb6b, 0xbb, 0xb7,
]);

/** Reads a file whose sizes are all known. */
export function readEbml(file: Uint8Array, from = 0, to: number = file.length): EbmlElement[] {
  const elements: EbmlElement[] = [];
  for (let at = from; at < to;) {
    const idBytes = Math.clz32(file[at]!) - 23;
    let id = 0;
    for (let i = 0; i < idBytes; i++) id = id * 256 + file[at + i]!;
    const sizeAt = at + idBytes;
    const sizeBytes = Math.clz32(file[sizeAt]!) - 23;
    let size = file[sizeAt]! - 2 ** (8 - sizeBytes);
    for (let i = 1; i < sizeBytes; i++) size = size * 256 + file[sizeAt + i]!;
    const contentAt = sizeAt + sizeBytes;
    const end = contentAt + size;
    if (end > to) throw new Error(`element ${id.toString(16)} at ${at} ends at ${end} of ${to}`);
    elements.push({
      id,
      at,
      contentAt,
      data: file.subarray(contentAt, end),
      children: MASTERS.has(id) ? readEbml(file, contentAt, end) : [],
    });
    at = end;
  }
  return elements;
}

/** An unsigned integer's value. */
export function uintOf({ data }: EbmlElement): number {
  return data.reduce((value, byte) => value * 256 + byte, 0);
}

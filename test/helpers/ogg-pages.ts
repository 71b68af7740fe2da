import { oggCrc } from '../../src/core/container/ogg-opus.ts';

/** One Ogg page, read back. */
export interface OggPage {
  readonly bytes: Uint8Array;
  readonly flags: number;
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
  readonly checksumIsRight: boolean;
  readonly packets: readonly Uint8Array[];
}

/** Reads pages, in which packets end (RFC 3533 §6). @throws Error if there is none */
export function readOggPages(source: Uint8Array): OggPage[] {
  // A Buffer's slice() would be a view.
  const file = new Uint8Array(source);
  const pages: OggPage[] = [];
  for (let at = 0; at < file.length;) {
    const view = new DataView(file.buffer, at);
    if (view.getUint32(0) !== 0x4f676753) throw new Error(`no page at byte ${at}`);
    const segments = file.subarray(at + 27, at + 27 + view.getUint8(26));
    let from = at + 27 + segments.length;
    const packets: Uint8Array[] = [];
    let length = 0;
    for (const segment of segments) {
      length += segment;
      if (segment === 255) continue;
      packets.push(file.subarray(from, from + length));
      from += length;
      length = 0;
    }
    // The rest of a packet that continues on the next page.
    from += length;
    const bytes = file.slice(at, from);
    const blank = bytes.slice();
    blank.fill(0, 22, 26);
    pages.push({
      bytes,
      flags: view.getUint8(5),
      granule: Number(view.getBigInt64(6, true)),
      serial: view.getUint32(14, true),
      sequence: view.getUint32(18, true),
      checksumIsRight: oggCrc(blank) === view.getUint32(22, true),
      packets,
    });
    at = from;
  }
  return pages;
}

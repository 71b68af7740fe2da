/** One element of a media file. */
export interface MediaElement {
  /** How deep it lies in others, from 0. */
  readonly depth: number;
  /** Offset of its header, in bytes. */
  readonly offset: number;
  readonly name: string;
  /** Bytes of its content; null where the file does not say, as in a live stream. */
  readonly contentBytes: number | null;
  /** Its content as far as it is there; empty for an element of elements. */
  readonly content: Uint8Array;
}

/** A kind of media file that can be taken apart. */
export interface MediaFileKind {
  readonly label: string;
  readonly clause: string;
  /** Whether bytes begin such a file. */
  readonly begins: (bytes: Uint8Array) => boolean;
  /** Its elements in order. A truncated file ends with the element that is cut off. */
  readonly read: (bytes: Uint8Array) => readonly MediaElement[];
}

/** Most elements that are listed. */
const MAX_ELEMENTS = 400;

/** Takes apart a file that a browser's recorder has written; null for an unknown kind. */
export function readMediaFile(
  bytes: Uint8Array,
): { readonly kind: MediaFileKind; readonly elements: readonly MediaElement[] } | null {
  const kind = MEDIA_FILE_KINDS.find(({ begins }) => begins(bytes));
  return kind === undefined ? null : { kind, elements: kind.read(bytes) };
}

/** Elements of Matroska that a recorder of audio writes (RFC 9559 §5.1); `true`: it holds elements. */
const EBML_NAMES: ReadonlyMap<number, readonly [name: string, holds?: true]> = new Map([
  [0x1a45dfa3, ['EBML', true]],
  [0x4286, ['EBMLVersion']],
  [0x42f7, ['EBMLReadVersion']],
  [0x42f2, ['EBMLMaxIDLength']],
  [0x42f3, ['EBMLMaxSizeLength']],
  [0x4282, ['DocType']],
  [0x4287, ['DocTypeVersion']],
  [0x4285, ['DocTypeReadVersion']],
  [0x18538067, ['Segment', true]],
  [0x114d9b74, ['SeekHead', true]],
  [0x1549a966, ['Info', true]],
  [0x2ad7b1, ['TimestampScale']],
  [0x4489, ['Duration']],
  [0x4d80, ['MuxingApp']],
  [0x5741, ['WritingApp']],
  [0x1654ae6b, ['Tracks', true]],
  [0xae, ['TrackEntry', true]],
  [0xd7, ['TrackNumber']],
  [0x73c5, ['TrackUID']],
  [0x83, ['TrackType']],
  [0x86, ['CodecID']],
  [0x63a2, ['CodecPrivate']],
  [0x56aa, ['CodecDelay']],
  [0x56bb, ['SeekPreRoll']],
  [0xe1, ['Audio', true]],
  [0xb5, ['SamplingFrequency']],
  [0x9f, ['Channels']],
  [0x6264, ['BitDepth']],
  [0x1f43b675, ['Cluster', true]],
  [0xe7, ['Timestamp']],
  [0xa3, ['SimpleBlock']],
  [0xa0, ['BlockGroup', true]],
  [0xa1, ['Block']],
  [0xec, ['Void']],
  [0x1c53bb6b, ['Cues', true]],
] as const);

/** Those that lie directly in a segment: one of them ends an element whose size is not known. */
const SEGMENT_CHILDREN = new Set([0x114d9b74, 0x1549a966, 0x1654ae6b, 0x1f43b675, 0x1c53bb6b]);

/** Reads EBML (RFC 8794), as MediaRecorder writes it: with elements whose size is not known. */
function readEbml(bytes: Uint8Array): readonly MediaElement[] {
  const elements: MediaElement[] = [];
  /** Where the open elements end; `Infinity` where that is not known. */
  const open: { readonly id: number; readonly end: number }[] = [];
  for (let at = 0; at < bytes.length && elements.length < MAX_ELEMENTS;) {
    while (open.length > 0 && at >= open.at(-1)!.end) open.pop();
    const offset = at;
    const idBytes = Math.clz32(bytes[at]!) - 23;
    const sizeAt = at + idBytes;
    if (idBytes > 4 || sizeAt >= bytes.length) break;
    const id = numberAt(bytes, at, idBytes);
    const sizeBytes = Math.clz32(bytes[sizeAt]!) - 23;
    if (sizeBytes > 8 || sizeAt + sizeBytes > bytes.length) break;
    const size = sizeOf(bytes, sizeAt, sizeBytes);
    const isUnknown = size === 2 ** (7 * sizeBytes) - 1;
    at = sizeAt + sizeBytes;
    if (SEGMENT_CHILDREN.has(id)) {
      while (open.length > 0 && open.at(-1)!.end === Infinity && open.at(-1)!.id !== 0x18538067)
        open.pop();
    }
    const [name, holds] = EBML_NAMES.get(id) ?? [`0x${id.toString(16).toUpperCase()}`];
    const end = isUnknown ? Infinity : at + size;
    elements.push({
      depth: open.length,
      offset,
      name,
      contentBytes: isUnknown ? null : size,
      content: holds ? NOTHING : bytes.subarray(at, end),
    });
    if (holds) open.push({ id, end });
    else at = end;
  }
  return elements;
}

/** A size without the bit that marks its length (RFC 8794 §4). */
function sizeOf(bytes: Uint8Array, at: number, count: number): number {
  let value = bytes[at]! - 2 ** (8 - count);
  for (let i = 1; i < count; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

const OGG_HEADER_BYTES = 27;

/** Reads the pages of an Ogg file (RFC 3533 §6). */
function readOgg(bytes: Uint8Array): readonly MediaElement[] {
  const elements: MediaElement[] = [];
  for (let at = 0; at + OGG_HEADER_BYTES <= bytes.length && elements.length < MAX_ELEMENTS;) {
    if (!startsWith(bytes.subarray(at), 'OggS')) break;
    const segments = bytes[at + 26]!;
    const contentAt = at + OGG_HEADER_BYTES + segments;
    const size = bytes
      .subarray(at + OGG_HEADER_BYTES, contentAt)
      .reduce((sum, segment) => sum + segment, 0);
    const content = bytes.subarray(contentAt, contentAt + size);
    const name = startsWith(content, 'OpusHead')
      ? 'Page: OpusHead'
      : startsWith(content, 'OpusTags')
        ? 'Page: OpusTags'
        : 'Page: packets';
    elements.push({ depth: 0, offset: at, name, contentBytes: size, content });
    at = contentAt + size;
  }
  return elements;
}

/** Boxes of boxes. */
const MP4_CONTAINERS = new Set([
  'moov',
  'trak',
  'mdia',
  'minf',
  'stbl',
  'moof',
  'traf',
  'mvex',
  'dinf',
]);

/** Reads the boxes of an MP4 file (ISO/IEC 14496-12 §4.2). */
function readMp4(bytes: Uint8Array): readonly MediaElement[] {
  const elements: MediaElement[] = [];
  const ends: number[] = [];
  for (let at = 0; at + 8 <= bytes.length && elements.length < MAX_ELEMENTS;) {
    while (ends.length > 0 && at >= ends.at(-1)!) ends.pop();
    const size = numberAt(bytes, at, 4);
    if (size < 8) break;
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const holds = MP4_CONTAINERS.has(name);
    elements.push({
      depth: ends.length,
      offset: at,
      name,
      contentBytes: size - 8,
      content: holds ? NOTHING : bytes.subarray(at + 8, at + size),
    });
    if (holds) ends.push(at + size);
    at += holds ? 8 : size;
  }
  return elements;
}

/** What browsers' recorders write, one row per container. */
const MEDIA_FILE_KINDS: readonly MediaFileKind[] = [
  {
    label: 'WebM: EBML elements',
    clause: 'RFC 8794, RFC 9559 §5.1',
    begins: (bytes) => numberAt(bytes, 0, 4) === 0x1a45dfa3,
    read: readEbml,
  },
  {
    label: 'Ogg: pages',
    clause: 'RFC 3533 §6, RFC 7845 §3',
    begins: (bytes) => startsWith(bytes, 'OggS'),
    read: readOgg,
  },
  {
    label: 'MP4: boxes',
    clause: 'ISO/IEC 14496-12 §4.2',
    begins: (bytes) => startsWith(bytes.subarray(4), 'ftyp'),
    read: readMp4,
  },
];

const NOTHING = new Uint8Array(0);
const BLOCK_HEADER_BYTES = 4;

/** The Opus packet in a SimpleBlock without lacing (RFC 9559 §10.2); null for another element. */
export function packetOfBlock({ name, content }: MediaElement): Uint8Array | null {
  const isBlock = name === 'SimpleBlock' || name === 'Block';
  return isBlock && content.length > BLOCK_HEADER_BYTES
    ? content.subarray(BLOCK_HEADER_BYTES)
    : null;
}

/** What is known of an element's content, for people; empty where nothing is. */
export function contentWords(element: MediaElement): string {
  const { name, content } = element;
  switch (name) {
    case 'DocType':
    case 'MuxingApp':
    case 'WritingApp':
    case 'CodecID':
    case 'ftyp':
      return `“${printable(content)}”`;
    case 'TrackNumber':
    case 'TrackType':
    case 'Channels':
    case 'Timestamp':
    case 'TimestampScale':
    case 'CodecDelay':
    case 'SeekPreRoll':
    case 'EBMLVersion':
    case 'DocTypeVersion':
    case 'BitDepth':
      return content.length > 0 && content.length <= 6
        ? `= ${numberAt(content, 0, content.length)}`
        : '';
    case 'SamplingFrequency': {
      const view = new DataView(content.buffer, content.byteOffset, content.length);
      const hertz =
        content.length === 8 ? view.getFloat64(0) : content.length === 4 ? view.getFloat32(0) : NaN;
      return Number.isNaN(hertz) ? '' : `= ${hertz} Hz`;
    }
    case 'CodecPrivate':
      return startsWith(content, 'OpusHead') ? 'the Opus header (RFC 7845 §5.1)' : '';
    case 'SimpleBlock':
    case 'Block':
      return 'track, time and flags in 4 bytes, then one packet of Opus';
    default:
      return '';
  }
}

function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 40)).replace(/[^ -~]/g, '·');
}

/** Big endian; past the end, zeros. */
function numberAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Array.from(text).every((character, i) => bytes[i] === character.charCodeAt(0));
}

import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { OPUS_RATE, opusPacketFrames, opusGapPackets } from '../codec/opus-packet.ts';
import { joinBytes, utf8Bytes } from '../bytes.ts';
import { opusHead } from './ogg-opus.ts';

/** Options of a WebM Opus file, for its head. */
export interface WebmOpusOptions {
  /** Number of channels, 1 or 2. */
  readonly channels: number;
  /** Number of frames at 48 kHz that the player must leave out: the encoder's look-ahead. 0..65535 */
  readonly preSkip: number;
  /** Sample rate of the encoder's input in Hz; for information only. @default 48000 */
  readonly inputSampleRate?: number | undefined;
  /** Distinguishes this track from all others; a random number is best. 1..2³²−1. @default 1 */
  readonly uid?: number | undefined;
}
const NAMES = {
  channels: 1,
  preSkip: 1,
  inputSampleRate: 1,
  uid: 1,
} satisfies OptionNames<WebmOpusOptions>;

/** Identifiers of Matroska (RFC 9559 §5.1). */
const ID = {
  ebml: 0x1a45dfa3,
  ebmlVersion: 0x4286,
  ebmlReadVersion: 0x42f7,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  flagLacing: 0x9c,
  language: 0x22b59c,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  codecDelay: 0x56aa,
  seekPreRoll: 0x56bb,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  discardPadding: 0x75a2,
  cues: 0x1c53bb6b,
  cuePoint: 0xbb,
  cueTime: 0xb3,
  cueTrackPositions: 0xb7,
  cueTrack: 0xf7,
  cueClusterPosition: 0xf1,
} as const;

const NS_PER_SECOND = 1e9;
/** WebM counts time in milliseconds. */
const TIMESTAMP_SCALE_NS = 1_000_000;
const FRAMES_PER_MS = OPUS_RATE / 1000;
/** Audio that a decoder needs after a seek before its output is correct: 80 ms (RFC 7845 §4.6). */
const SEEK_PRE_ROLL_NS = 80_000_000;
const TRACK = 1;
const TRACK_AUDIO = 2;
const KEYFRAME = 0x80;
/** Duration of a cluster, which is the most that a truncated file loses. */
const CLUSTER_MS = 400;
/** Distance between the points of the index. */
const CUE_MS = 5000;
/** `Duration`: two bytes of identifier, one of size, eight of the number. */
const DURATION_BYTES = 11;
/** A position of any value, in a fixed size so that the head keeps its length. */
const POSITION_BYTES = 8;

interface Cue {
  readonly ms: number;
  /** Offset of the cluster from the start of the segment's content. */
  readonly position: number;
}

/**
 * Writes a WebM file with one track of Opus (RFC 9559, and the WebM mapping of Opus) as packets come, with its bytes in order, also
 * for streams. `head()` comes first and says that the length is unknown, so that a file truncated at any cluster plays; `finish()`
 * returns a head with the length and the position of the index to replace it, if possible.
 */
export class WebmOpusWriter {
  readonly #options: WebmOpusOptions;
  readonly #uid: number;
  /** Frames at 48 kHz to which the packets so far decode, including the pre-skip. */
  #position = 0;
  /** Frames left out at the end. */
  #trimmed = 0;
  /** Blocks that wait for their cluster, its time, and the frames in it. */
  #blocks: Uint8Array[] = [];
  #clusterMs = 0;
  #clusterFrames = 0;
  /** Bytes after the segment's own head. */
  #written: number;
  readonly #bodyAt: number;
  readonly #cues: Cue[] = [];
  #cuesAt: number | undefined;
  #begun = false;

  /** @throws TypeError or RangeError for options out of their range */
  constructor(options: WebmOpusOptions) {
    checkOptions('WebmOpusWriter', options, NAMES);
    integerIn('channels', options.channels, 1, 2);
    integerIn('preSkip', options.preSkip, 0, 2 ** 16 - 1);
    integerIn('inputSampleRate', options.inputSampleRate ?? OPUS_RATE, 0, 2 ** 32 - 1);
    this.#options = options;
    this.#uid = integerIn('uid', options.uid ?? 1, 1, 2 ** 32 - 1);
    this.#bodyAt = this.#header().length + ebmlOpen(ID.segment, undefined).length;
    this.#written = this.#head(false).length - this.#bodyAt;
  }

  /** Number of frames at 48 kHz that the player must leave out. */
  get preSkip(): number {
    return this.#options.preSkip;
  }

  /** Number of frames at 48 kHz to which the packets so far decode, including the pre-skip. */
  get position(): number {
    return this.#position;
  }

  /** Returns the beginning of the file, valid while its length is unknown. Call it only once. */
  head(): Uint8Array<ArrayBuffer> {
    if (this.#begun) throw new RangeError('head() must be called first, and only once.');
    this.#begun = true;
    return this.#head(false);
  }

  /**
   * Adds one packet. @returns the bytes to append: a cluster, or no bytes
   * @param packet the packet, which is kept until its cluster is full and must not change
   * @throws PacketError when it is not an Opus packet
   */
  packet(packet: Uint8Array): Uint8Array<ArrayBuffer> {
    const frames = opusPacketFrames(packet);
    this.#checkOpen();
    this.#add(packet, undefined);
    this.#position += frames;
    this.#clusterFrames += frames;
    return this.#clusterFrames >= CLUSTER_MS * FRAMES_PER_MS ? this.flush() : new Uint8Array(0);
  }

  /** Fills a gap: see `opusGapPackets`. @param frames number of lost frames at 48 kHz; fewer than 120 are left out */
  gap(frames: number): Uint8Array<ArrayBuffer> {
    const packets = opusGapPackets(frames, this.#options.channels);
    return joinBytes(packets.map((packet) => this.packet(packet)));
  }

  /** Returns the cluster of the waiting packets. */
  flush(): Uint8Array<ArrayBuffer> {
    if (this.#blocks.length === 0) return new Uint8Array(0);
    const cluster = ebml(ID.cluster, ebmlUint(ID.timestamp, this.#clusterMs), ...this.#blocks);
    const last = this.#cues.at(-1);
    if (last === undefined || this.#clusterMs - last.ms >= CUE_MS) {
      this.#cues.push({ ms: this.#clusterMs, position: this.#written });
    }
    this.#blocks = [];
    this.#clusterFrames = 0;
    this.#written += cluster.length;
    return cluster;
  }

  /**
   * Returns the last cluster and the index. The last block says how much of it is padding (DiscardPadding).
   * @param packet the last packet
   * @param trimFrames number of frames at 48 kHz to leave out at the end of that packet
   * @throws PacketError when it is not an Opus packet
   */
  end(packet: Uint8Array, trimFrames = 0): Uint8Array<ArrayBuffer> {
    const frames = opusPacketFrames(packet);
    this.#checkOpen();
    integerIn('trimFrames', trimFrames, 0, frames);
    this.#add(packet, trimFrames);
    this.#position += frames;
    this.#trimmed = trimFrames;
    const cluster = this.flush();
    this.#cuesAt = this.#written;
    const cues = ebml(
      ID.cues,
      ...this.#cues.map(({ ms, position }) =>
        ebml(
          ID.cuePoint,
          ebmlUint(ID.cueTime, ms),
          ebml(
            ID.cueTrackPositions,
            ebmlUint(ID.cueTrack, TRACK),
            ebmlUint(ID.cueClusterPosition, position),
          ),
        ),
      ),
    );
    this.#written += cues.length;
    return joinBytes([cluster, cues]);
  }

  /** Returns the head, of the same length, with the size and duration of the file and the position of its index. Call it after `end`. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#cuesAt === undefined) throw new RangeError('end() must come first.');
    return this.#head(true);
  }

  #add(packet: Uint8Array, trimFrames: number | undefined): void {
    const ms = Math.round(this.#position / FRAMES_PER_MS);
    if (this.#blocks.length === 0) this.#clusterMs = ms;
    const block = new Uint8Array(4 + packet.length);
    block[0] = 0x80 | TRACK;
    new DataView(block.buffer).setInt16(1, ms - this.#clusterMs);
    block.set(packet, 4);
    if (trimFrames === undefined || trimFrames === 0) {
      block[3] = KEYFRAME;
      this.#blocks.push(ebml(ID.simpleBlock, block));
      return;
    }
    const padding = Math.round((trimFrames / OPUS_RATE) * NS_PER_SECOND);
    this.#blocks.push(
      ebml(ID.blockGroup, ebml(ID.block, block), ebmlInt(ID.discardPadding, padding)),
    );
  }

  #header(): Uint8Array<ArrayBuffer> {
    return ebml(
      ID.ebml,
      ebmlUint(ID.ebmlVersion, 1),
      ebmlUint(ID.ebmlReadVersion, 1),
      ebmlUint(ID.ebmlMaxIdLength, 4),
      ebmlUint(ID.ebmlMaxSizeLength, 8),
      ebmlText(ID.docType, 'webm'),
      ebmlUint(ID.docTypeVersion, 4),
      ebmlUint(ID.docTypeReadVersion, 2),
    );
  }

  /** Returns the header of the file. Its length does not depend on `complete`. */
  #head(complete: boolean): Uint8Array<ArrayBuffer> {
    const { channels, preSkip } = this.#options;
    const ms = (this.#position - this.#trimmed - preSkip) / FRAMES_PER_MS;
    const info = ebml(
      ID.info,
      ebmlUint(ID.timestampScale, TIMESTAMP_SCALE_NS),
      complete ? ebmlFloat(ID.duration, ms) : ebmlVoid(DURATION_BYTES),
      ebmlText(ID.muxingApp, 'micwire'),
      ebmlText(ID.writingApp, 'micwire'),
    );
    const tracks = ebml(
      ID.tracks,
      ebml(
        ID.trackEntry,
        ebmlUint(ID.trackNumber, TRACK),
        ebmlUint(ID.trackUid, this.#uid),
        ebmlUint(ID.trackType, TRACK_AUDIO),
        ebmlUint(ID.flagLacing, 0),
        ebmlText(ID.language, 'und'),
        ebmlText(ID.codecId, 'A_OPUS'),
        ebml(ID.codecPrivate, opusHead(this.#options)),
        ebmlUint(ID.codecDelay, Math.round((preSkip / OPUS_RATE) * NS_PER_SECOND)),
        ebmlUint(ID.seekPreRoll, SEEK_PRE_ROLL_NS),
        ebml(ID.audio, ebmlFloat(ID.samplingFrequency, OPUS_RATE), ebmlUint(ID.channels, channels)),
      ),
    );
    const seekBytes = seekHead(0, 0, 0).length;
    const seek = complete
      ? seekHead(seekBytes, seekBytes + info.length, this.#cuesAt ?? 0)
      : ebmlVoid(seekBytes);
    const segment = ebmlOpen(ID.segment, complete ? this.#written : undefined);
    return joinBytes([this.#header(), segment, seek, info, tracks]);
  }

  #checkOpen(): void {
    if (!this.#begun) throw new RangeError('head() must come first.');
    if (this.#cuesAt !== undefined) throw new RangeError('The file has ended.');
  }
}

function seekHead(info: number, tracks: number, cues: number): Uint8Array<ArrayBuffer> {
  const entries = [
    [ID.info, info],
    [ID.tracks, tracks],
    [ID.cues, cues],
  ] as const;
  return ebml(
    ID.seekHead,
    ...entries.map(([id, position]) =>
      ebml(ID.seek, ebmlUint(ID.seekId, id), ebmlUint(ID.seekPosition, position, POSITION_BYTES)),
    ),
  );
}

/*
 * EBML elements (RFC 8794): an identifier, a size, and that many bytes. Everything is big-endian. Identifiers contain their own
 * length marker, so they are written as they are; sizes take 8 bytes if they may change later, otherwise as few as possible.
 */

/** A size of eight bytes that means "to the end of the parent element" (RFC 8794 §6.2). */
const UNKNOWN_SIZE: readonly number[] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

const VOID = 0xec;

/** An element that contains other elements, or bytes. */
function ebml(id: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joinBytes([unsigned(id), sizeOf(length), ...parts]);
}

/** Only the start of an element: its content follows in pieces. @param size size in bytes; undefined if unknown */
function ebmlOpen(id: number, size: number | undefined): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(UNKNOWN_SIZE);
  if (size !== undefined) {
    new DataView(bytes.buffer).setBigUint64(0, BigInt(size) | (1n << 56n));
  }
  return joinBytes([unsigned(id), bytes]);
}

/** An unsigned integer. @param bytes its length, if it must not depend on the value */
function ebmlUint(id: number, value: number, bytes = 0): Uint8Array<ArrayBuffer> {
  const shortest = unsigned(value);
  const padded = new Uint8Array(Math.max(shortest.length, bytes));
  padded.set(shortest, padded.length - shortest.length);
  return ebml(id, padded);
}

/** A signed integer of 8 bytes. */
function ebmlInt(id: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return ebml(id, bytes);
}

/** A binary64 number. */
function ebmlFloat(id: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return ebml(id, bytes);
}

function ebmlText(id: number, text: string): Uint8Array<ArrayBuffer> {
  return ebml(id, utf8Bytes(text));
}

/** Reserves space. @param length total length, 2 to 128 bytes */
function ebmlVoid(length: number): Uint8Array<ArrayBuffer> {
  return ebml(VOID, new Uint8Array(length - 2));
}

/** Returns the shortest form of an unsigned integer, at least one byte. */
function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) {
    bytes.unshift(rest % 256);
  }
  return Uint8Array.from(bytes);
}

/** Returns a size (RFC 8794 §4): as many leading zeros as further bytes; all ones is reserved for "unknown". */
function sizeOf(length: number): Uint8Array {
  let bytes = 1;
  while (length >= 2 ** (7 * bytes) - 1) bytes++;
  return unsigned(length + 2 ** (7 * bytes));
}

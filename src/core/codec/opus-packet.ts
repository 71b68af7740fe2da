import { checkBytes } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';

/**
 * The form of an Opus packet (RFC 6716 §3). The first byte is the table of contents:
 *
 *     0 1 2 3 4 5 6 7
 *    +-+-+-+-+-+-+-+-+
 *    | config  |s| c |     config: mode, bandwidthHz, frame duration; s: stereo; c: number and layout of the frames
 *    +-+-+-+-+-+-+-+-+
 */

/** The rate in which Opus counts, regardless of input and output, in Hz (RFC 6716 §2). */
export const OPUS_RATE = 48_000;
/** The longest packet, in frames at 48 kHz: 120 ms (RFC 6716 §3.4, R5). */
export const OPUS_MAX_FRAMES = 5760;
/** The longest Opus frame inside a packet, in bytes (RFC 6716 §3.4, R2). */
const MAX_FRAME_BYTES = PACKET_CODECS.opus.maxFrameBytes;

/** Which of its two codecs a packet uses, or both. */
export type OpusMode = 'silk' | 'hybrid' | 'celt';

/** Describes an Opus packet, according to its header. */
export interface OpusPacketInfo {
  readonly mode: OpusMode;
  /** Highest coded frequency in Hz: 4000, 6000, 8000, 12000 or 20000. */
  readonly bandwidthHz: number;
  /** Duration of one Opus frame in ms: 2.5, 5, 10, 20, 40 or 60. */
  readonly frameDurationMs: number;
  /** Number of Opus frames in the packet, 1–48. */
  readonly frameCount: number;
  readonly channels: 1 | 2;
  /** Length of the packet in frames at 48 kHz. */
  readonly frames: number;
  /** True if the packet also carries the previous one, in case that is lost (RFC 6716 §4.2.5, LBRR). */
  readonly hasFec: boolean;
}

/** Samples at 48 kHz of one Opus frame with this table of contents (RFC 6716 table 2). */
function samplesPerFrame(toc: number): number {
  const config = toc >> 3;
  if (config >= 16) return 120 << (config & 3);
  if (config >= 12) return 480 << (config & 1);
  const size = config & 3;
  return size === 3 ? 2880 : 480 << size;
}

/**
 * Returns the length of a packet in frames at 48 kHz. Checks everything that can be checked without decoding (RFC 6716 §3.4,
 * R1–R7).
 * @throws PacketError when it is not an Opus packet
 */
export function opusPacketFrames(
  source: Uint8Array,
  byteOffset = 0,
  byteLength: number = checkBytes('source', source).length - byteOffset,
): number {
  const end = byteOffset + byteLength;
  if (byteLength < 1) throw new PacketError('truncated', 'an Opus packet has at least 1 byte.');
  const toc = source[byteOffset]!;
  const samples = samplesPerFrame(toc);
  switch (toc & 3) {
    case 0:
      checkFrameBytes(byteLength - 1);
      return samples;
    case 1:
      if (byteLength % 2 === 0) {
        throw new PacketError(
          'truncated',
          'two Opus frames of equal size need an even number of bytes.',
        );
      }
      checkFrameBytes((byteLength - 1) / 2);
      return 2 * samples;
    case 2: {
      const at = byteOffset + 1;
      const size = frameSize(source, at, end);
      const rest = end - at - lengthBytes(size) - size;
      if (rest < 0) throw truncatedFrames();
      checkFrameBytes(rest);
      return 2 * samples;
    }
    default:
      return countedFrames(source, byteOffset, end, samples);
  }
}

/** Code 3: the second byte is v (different sizes), p (padding), and the number of frames (RFC 6716 §3.2.5). */
function countedFrames(
  source: Uint8Array,
  byteOffset: number,
  end: number,
  samples: number,
): number {
  let at = byteOffset + 1;
  if (at >= end) throw truncatedFrames();
  const header = source[at++]!;
  const count = header & 63;
  if (count === 0 || count * samples > OPUS_MAX_FRAMES) {
    throw new PacketError('bad-field', `an Opus packet lasts up to 120 ms, got ${count} frames.`);
  }
  let last = end;
  if ((header & 0x40) !== 0) {
    // Each 255 adds 254 bytes of padding and means that another length byte follows.
    let more: number;
    do {
      if (at >= end) throw truncatedFrames();
      more = source[at++]!;
      last -= more === 255 ? 254 : more;
    } while (more === 255);
  }
  if ((header & 0x80) !== 0) {
    let sum = 0;
    for (let frame = 1; frame < count; frame++) {
      const size = frameSize(source, at, last);
      at += lengthBytes(size);
      sum += size;
    }
    if (last - at - sum < 0) throw truncatedFrames();
    checkFrameBytes(last - at - sum);
  } else {
    const rest = last - at;
    if (rest < 0 || rest % count !== 0) throw truncatedFrames();
    checkFrameBytes(rest / count);
  }
  return count * samples;
}

/** The size of a frame, in one or two bytes (RFC 6716 §3.2.1). */
function frameSize(source: Uint8Array, at: number, end: number): number {
  if (at >= end) throw truncatedFrames();
  const first = source[at]!;
  if (first < 252) return first;
  if (at + 1 >= end) throw truncatedFrames();
  return first + 4 * source[at + 1]!;
}

function lengthBytes(size: number): number {
  return size < 252 ? 1 : 2;
}

function checkFrameBytes(bytes: number): void {
  if (bytes > MAX_FRAME_BYTES) {
    const limit = MAX_FRAME_BYTES;
    throw new PacketError('oversized', `an Opus frame has up to ${limit} bytes, got ${bytes}.`);
  }
}

function truncatedFrames(): PacketError {
  return new PacketError('truncated', 'an Opus frame is shorter than the packet says.');
}

const SILK_BANDWIDTHS = [4000, 6000, 8000] as const;
const CELT_BANDWIDTHS = [4000, 8000, 12_000, 20_000] as const;

/**
 * Reads the header of a packet. Allocates its result.
 * @throws PacketError when it is not an Opus packet
 */
export function opusPacketInfo(packet: Uint8Array): OpusPacketInfo {
  const frames = opusPacketFrames(checkBytes('packet', packet));
  const toc = packet[0]!;
  const config = toc >> 3;
  const samples = samplesPerFrame(toc);
  const mode: OpusMode = config < 12 ? 'silk' : config < 16 ? 'hybrid' : 'celt';
  const bandwidthHz =
    mode === 'silk'
      ? SILK_BANDWIDTHS[config >> 2]!
      : mode === 'hybrid'
        ? CELT_BANDWIDTHS[2 + ((config >> 1) & 1)]!
        : CELT_BANDWIDTHS[(config >> 2) & 3]!;
  return {
    mode,
    bandwidthHz,
    frameDurationMs: (samples / OPUS_RATE) * 1000,
    frameCount: frames / samples,
    channels: (toc & 4) === 0 ? 1 : 2,
    frames,
    hasFec: hasOpusFec(packet, 0, packet.length),
  };
}

/**
 * Returns true if a valid packet also carries the previous one (low bit-rate redundancy). The flags are the first bits of the first
 * frame, one for each channel, after the voice activity flags (RFC 6716 §4.2.3, §4.2.4).
 */
export function hasOpusFec(source: Uint8Array, byteOffset: number, byteLength: number): boolean {
  checkBytes('source', source);
  const toc = source[byteOffset]!;
  if (toc >> 3 >= 16) return false;
  const at = firstFrame(source, byteOffset, byteOffset + byteLength);
  if (at < 0) return false;
  const silkFrames = Math.max(1, samplesPerFrame(toc) / 960);
  const bits = source[at]!;
  if ((bits >> (7 - silkFrames)) & 1) return true;
  return (toc & 4) !== 0 && ((bits >> (6 - 2 * silkFrames)) & 1) === 1;
}

/** Returns where the first frame's data begin; −1 if it has no data. Padding is not data. */
function firstFrame(source: Uint8Array, byteOffset: number, end: number): number {
  let at = byteOffset + 1;
  const code = source[byteOffset]! & 3;
  if (code < 2) return at < end ? at : -1;
  if (code === 2) {
    const size = frameSize(source, at, end);
    at += lengthBytes(size);
    return size > 0 ? at : -1;
  }
  const header = source[at++]!;
  const count = header & 63;
  let last = end;
  if ((header & 0x40) !== 0) {
    let more: number;
    do {
      more = source[at++]!;
      last -= more === 255 ? 254 : more;
    } while (more === 255);
  }
  // If there is one frame, or all have the same size, the first has bytes if any frame does.
  if ((header & 0x80) === 0 || count === 1) return at < last ? at : -1;
  const size = frameSize(source, at, last);
  for (let frame = 1; frame < count; frame++) at += lengthBytes(frameSize(source, at, last));
  return size > 0 ? at : -1;
}

/** The table of contents of packets that fill a gap: CELT, fullband, by the length of a frame at 48 kHz (RFC 6716 table 2). */
const FILL_20_MS = { config: 31, frames: 960 } as const;
const FILL_2_5_MS = { config: 28, frames: 120 } as const;

/** The shortest gap that packets can fill: 2.5 ms at 48 kHz. */
export const OPUS_LEAST_GAP: number = FILL_2_5_MS.frames;

/**
 * Returns packets without data to replace lost audio, which a decoder conceals (RFC 7845 §4.1). The remainder is shorter than
 * `OPUS_LEAST_GAP`.
 * @param frames number of lost frames at 48 kHz
 */
export function opusGapPackets(frames: number, channels: number): Uint8Array<ArrayBuffer>[] {
  const packets: Uint8Array<ArrayBuffer>[] = [];
  for (let rest = frames; rest >= OPUS_LEAST_GAP;) {
    const kind = rest >= FILL_20_MS.frames ? FILL_20_MS : FILL_2_5_MS;
    const count = Math.floor(Math.min(rest, OPUS_MAX_FRAMES) / kind.frames);
    // Code 3, constant size: each frame has 0 bytes.
    packets.push(Uint8Array.of((kind.config << 3) | ((channels - 1) << 2) | 3, count));
    rest -= count * kind.frames;
  }
  return packets;
}

import { checkBytes, checkObject } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts';
import { rtcpPacketBytes, rtcpPaddingBytes } from './rtcp.ts';

/*
 * Which packets arrived and which were lost, one by one: an extended report (RFC 3611 §2) with one block of run lengths (§4.1).
 * Unlike the fraction in a receiver report, it shows whether losses come alone or in bursts.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  0 |V=2|P|reserved |   PT=207      |   length in words, less one   |
 *  4 |                       SSRC of the reporter                    |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  8 |     BT=1      | rsvd. |  T=0  |  block's words, less one      |
 * 12 |                SSRC of the reported source                    |
 * 16 |          begin_seq            |     end_seq, after the last   |
 * 20 |  chunk                        |  chunk …                      |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *    chunk: |0|R|  run length (14)  |  this many packets all arrived (R = 1) or were all lost (R = 0)
 *           |1|  bits (15)          |  1: arrived, 0: lost, for 15 packets
 *           |0                      |  padding after an odd number of chunks
 */

/** The fate of a run of packets. */
export interface LossPattern {
  /** SSRC of the reporter, 0..2³²−1. */
  readonly reporter: number;
  /** SSRC of the source that it describes, 0..2³²−1. */
  readonly ssrc: number;
  /** Sequence number of the first packet, 0..65535. */
  readonly begin: number;
  /** One entry for each packet: 1 if it arrived, 0 if it was lost. At most 65534 entries. */
  readonly came: Uint8Array;
}

/** Summary of a {@link LossPattern}. */
export interface LossSummary {
  readonly lost: number;
  /** Number of runs of lost packets. */
  readonly runs: number;
  /** Length of the longest run. */
  readonly longest: number;
  /** Mean length of a run in packets; 1 if no packet was lost. */
  readonly meanLength: number;
}

const EXTENDED_TYPE = 207;
const LOSS_BLOCK = 1;
const VERSION_BITS = 0x80;
const HEADER_BYTES = 8;
const BLOCK_HEADER_BYTES = 12;
const CHUNK_BYTES = 2;
const VECTOR_BIT = 0x8000;
const CAME_BIT = 0x4000;
const RUN_MASK = 0x3fff;
const VECTOR_PACKETS = 15;
const MAX_PACKETS = 65_534;
const SEQUENCES = 2 ** 16;
/** Maximum number of packets that all patterns of a message may describe together: 16 patterns of maximum length. */
const MAX_MESSAGE_PACKETS = 2 ** 20;
/** T of the block's header: reports only every 2ᵀ-th packet, which nobody asked for. */
const THINNING_MASK = 0x0f;

/** Returns the number of bytes that `writeLossPattern` will write. */
export function lossPatternBytes(pattern: LossPattern): number {
  checkObject('pattern must be a LossPattern', pattern, 'came');
  const came = checkBytes('came', pattern.came);
  let chunks = 0;
  for (let at = 0; at < came.length; at += chunkPackets(came, at)) chunks++;
  return HEADER_BYTES + BLOCK_HEADER_BYTES + 4 * Math.ceil((chunks * CHUNK_BYTES) / 4);
}

/**
 * Writes a loss pattern as one RTCP packet; other packets may follow directly.
 * @param target caller-owned; at least `lossPatternBytes(pattern)` bytes from `byteOffset`
 * @returns the number of bytes written
 * @throws RangeError when a field is out of its range
 */
export function writeLossPattern(pattern: LossPattern, target: Uint8Array, byteOffset = 0): number {
  const bytes = lossPatternBytes(pattern);
  checkBytes('target', target);
  const { came } = pattern;
  const begin = integerIn('begin', pattern.begin, 0, SEQUENCES - 1);
  const packets = integerIn('came.length', came.length, 0, MAX_PACKETS);
  target[byteOffset] = VERSION_BITS;
  target[byteOffset + 1] = EXTENDED_TYPE;
  writeUint16(bytes / 4 - 1, target, byteOffset + 2);
  const reporter = integerIn('reporter', pattern.reporter, 0, 2 ** 32 - 1);
  writeUint32(reporter, target, byteOffset + 4);
  const block = byteOffset + HEADER_BYTES;
  target[block] = LOSS_BLOCK;
  target[block + 1] = 0;
  writeUint16((bytes - HEADER_BYTES) / 4 - 1, target, block + 2);
  writeUint32(integerIn('ssrc', pattern.ssrc, 0, 2 ** 32 - 1), target, block + 4);
  writeUint16(begin, target, block + 8);
  writeUint16((begin + packets) % SEQUENCES, target, block + 10);
  let at = block + BLOCK_HEADER_BYTES;
  for (let packet = 0; packet < packets; at += CHUNK_BYTES) {
    const length = chunkPackets(came, packet);
    writeUint16(chunkAt(came, packet, length), target, at);
    packet += length;
  }
  target.fill(0, at, byteOffset + bytes);
  return bytes;
}

/** Returns how many packets the next chunk describes: those of a run if it is longer than a vector, otherwise those of a vector. */
function chunkPackets(came: Uint8Array, from: number): number {
  const most = Math.min(came.length, from + RUN_MASK);
  let end = from + 1;
  while (end < most && came[end] === came[from]) end++;
  return end - from > VECTOR_PACKETS ? end - from : VECTOR_PACKETS;
}

function chunkAt(came: Uint8Array, from: number, length: number): number {
  if (length > VECTOR_PACKETS) return (came[from] === 1 ? CAME_BIT : 0) | length;
  let bits = VECTOR_BIT;
  for (let i = 0; i < VECTOR_PACKETS; i++) {
    if (came[from + i] === 1) bits |= 1 << (VECTOR_PACKETS - 1 - i);
  }
  return bits;
}

/** A loss pattern in place in its message: its chunks are checked, but not unpacked. */
export interface LossBlock {
  readonly reporter: number;
  readonly ssrc: number;
  readonly begin: number;
  /** Number of packets that it describes, 0..65535. */
  readonly packets: number;
  /** Offset of its chunks in the message. */
  readonly chunksAt: number;
}

/**
 * Reads the loss patterns of a message, in order; other blocks and packets are skipped. A block of 20 bytes may describe 65,535
 * packets: `came` is unpacked at each access, from the message, which must not change until then. Reads each byte of the message at
 * most a few times, and returns at most one pattern for every 12 bytes, for 1,048,576 packets in total.
 * @throws PacketError when the message does not consist of whole RTCP packets, or a pattern does not describe every packet;
 *   `'oversized'` when its patterns describe more packets than that
 */
export function readLossPatterns(
  source: Uint8Array,
  byteOffset = 0,
  byteLength: number = checkBytes('source', source).length - byteOffset,
): LossPattern[] {
  const blocks = readLossBlocks(source, byteOffset, byteLength);
  const told = blocks.reduce((sum, { packets }) => sum + packets, 0);
  if (told > MAX_MESSAGE_PACKETS) {
    throw new PacketError(
      'oversized',
      `loss patterns must tell about at most ${MAX_MESSAGE_PACKETS} packets, got ${told}.`,
    );
  }
  return blocks.map((block) => {
    const { reporter, ssrc, begin } = block;
    return {
      reporter,
      ssrc,
      begin,
      get came() {
        return unpack(source, block);
      },
    };
  });
}

/** Returns the loss patterns of a message without unpacking them. @throws as {@link readLossPatterns} */
export function readLossBlocks(
  source: Uint8Array,
  byteOffset = 0,
  byteLength: number = source.length - byteOffset,
): LossBlock[] {
  const end = byteOffset + byteLength;
  const blocks: LossBlock[] = [];
  for (let at = byteOffset; at < end;) {
    const bytes = rtcpPacketBytes(source, at, end);
    if (source[at + 1] === EXTENDED_TYPE) {
      readBlocks(source, at, at + bytes - rtcpPaddingBytes(source, at, bytes), blocks);
    }
    at += bytes;
  }
  return blocks;
}

function readBlocks(source: Uint8Array, at: number, end: number, blocks: LossBlock[]): void {
  if (at + HEADER_BYTES > end) throw truncated();
  const reporter = readUint32(source, at + 4);
  for (let block = at + HEADER_BYTES; block < end;) {
    if (block + 4 > end) throw truncated();
    const next = block + 4 * (readUint16(source, block + 2) + 1);
    if (next > end) throw truncated();
    const isWhole = (source[block + 1]! & THINNING_MASK) === 0;
    if (source[block] === LOSS_BLOCK && isWhole) {
      if (block + BLOCK_HEADER_BYTES > next) throw truncated();
      const begin = readUint16(source, block + 8);
      const packets = (readUint16(source, block + 10) - begin + SEQUENCES) % SEQUENCES;
      const chunksAt = block + BLOCK_HEADER_BYTES;
      checkChunks(source, chunksAt, next, packets);
      blocks.push({ reporter, ssrc: readUint32(source, block + 4), begin, packets, chunksAt });
    }
    block = next;
  }
}

/** @throws PacketError unless the chunks describe exactly this many packets */
function checkChunks(source: Uint8Array, from: number, end: number, packets: number): void {
  let told = 0;
  for (let at = from; told < packets; at += CHUNK_BYTES) {
    const chunk = at < end ? readUint16(source, at) : 0;
    if (chunk === 0) throw truncated();
    const isVector = (chunk & VECTOR_BIT) !== 0;
    if (!isVector && (chunk & RUN_MASK) === 0) {
      throw new PacketError('bad-field', 'a run must have a length.');
    }
    told += isVector ? VECTOR_PACKETS : chunk & RUN_MASK;
  }
}

function unpack(source: Uint8Array, { packets, chunksAt }: LossBlock): Uint8Array {
  const came = new Uint8Array(packets);
  let packet = 0;
  for (let at = chunksAt; packet < packets; at += CHUNK_BYTES) {
    const chunk = readUint16(source, at);
    if ((chunk & VECTOR_BIT) === 0) {
      const length = chunk & RUN_MASK;
      if ((chunk & CAME_BIT) !== 0) came.fill(1, packet, packet + length);
      // The message has changed since it was checked: stop here.
      packet += length > 0 ? length : packets;
    } else {
      for (let i = VECTOR_PACKETS - 1; i >= 0; i--, packet++) {
        if (packet < packets) came[packet] = (chunk >> i) & 1;
      }
    }
  }
  return came;
}

/** Summary of a {@link LossBlock}, and the fate of its first and last packet. */
export interface LossBlockSummary {
  lost: number;
  runs: number;
  beginsInLoss: boolean;
  endsInLoss: boolean;
}

/** Summarizes a block without unpacking it: the work depends on its bytes, not on its packets. */
export function summarizeBlock(
  source: Uint8Array,
  { packets, chunksAt }: LossBlock,
): LossBlockSummary {
  const summary = { lost: 0, runs: 0, beginsInLoss: false, endsInLoss: false };
  let packet = 0;
  const add = (isLost: boolean, length: number): void => {
    const count = Math.min(length, packets - packet);
    if (count <= 0) return;
    if (packet === 0) summary.beginsInLoss = isLost;
    if (isLost && !summary.endsInLoss) summary.runs++;
    if (isLost) summary.lost += count;
    summary.endsInLoss = isLost;
    packet += count;
  };
  for (let at = chunksAt; packet < packets; at += CHUNK_BYTES) {
    const chunk = readUint16(source, at);
    if ((chunk & VECTOR_BIT) === 0) add((chunk & CAME_BIT) === 0, chunk & RUN_MASK);
    else for (let i = VECTOR_PACKETS - 1; i >= 0; i--) add(((chunk >> i) & 1) === 0, 1);
  }
  return summary;
}

/** Summarizes a pattern for a `RedundancyController`. */
export function summarizeLosses(came: Uint8Array): LossSummary {
  checkBytes('came', came);
  let lost = 0;
  let runs = 0;
  let longest = 0;
  let length = 0;
  for (const one of came) {
    if (one === 1) {
      length = 0;
      continue;
    }
    lost++;
    if (++length === 1) runs++;
    longest = Math.max(longest, length);
  }
  return { lost, runs, longest, meanLength: runs === 0 ? 1 : lost / runs };
}

function truncated(): PacketError {
  return new PacketError('truncated', 'the report ends within its loss pattern.');
}

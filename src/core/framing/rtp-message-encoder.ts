import { checkObject } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { bytesPerSample, isSampleFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { copySwapped } from '../bytes.ts';
import {
  RED_BLOCK_HEADER_BYTES,
  RED_MAX_BLOCK_BYTES,
  RED_MAX_TIMESTAMP_OFFSET,
  RED_PRIMARY_HEADER_BYTES,
  writeRedBlockHeader,
  writeRedPrimaryHeader,
} from '../rtp/red.ts';
import { writeRtpHeader } from '../rtp/rtp-header.ts';
import type { RtpHeader } from '../rtp/rtp-header.ts';
import { RTP_HEADER_BYTES } from '../rtp/rtp-packet.ts';
import { DEFAULT_SSRC, payloadTypesOf, rtpClockRate } from '../rtp/rtp-payload-format.ts';
import type { RtpStreamOptions } from '../rtp/rtp-stream.ts';
import { MAX_MISORDER } from '../rtp/stream-continuity.ts';
import { timestampDifference } from '../rtp/unwrapper.ts';
import type { MessageEncoder } from './framing.ts';
import type { LazyPacket, Packet } from './packet.ts';
import { checkOutgoing, checkOutgoingLength, payloadBytes } from './packet.ts';

/** Maximum number of redundant copies in a packet. */
const MAX_REDUNDANCY = 3;
/** Maximum distance between copies, in packets. */
const MAX_REDUNDANCY_SPACING = 4;

const SEQUENCES = 2 ** 16;
const TIMESTAMPS = 2 ** 32;

/** Number of kept payloads: the most distant copy is this many packets old. */
const KEPT = MAX_REDUNDANCY * MAX_REDUNDANCY_SPACING;

/** A sent payload, kept to be sent again. */
interface Sent {
  /** Sequence number; −1 if the slot is empty. */
  sequence: number;
  timestamp: number;
  /** Duration of its audio, in units of the payload's clock. */
  duration: number;
  byteLength: number;
  /** The first bytes of the payload, up to the limit of RED. */
  readonly bytes: Uint8Array;
}

/** Writes packets of one stream as RTP, each with up to three copies of earlier packets. */
export class RtpMessageEncoder implements MessageEncoder {
  readonly #stream: StreamFormat;
  readonly #sampleBytes: number;
  readonly #payloadType: number;
  readonly #redPayloadType: number;
  readonly #sequenceOffset: number;
  readonly #timestampOffset: number;
  /** Units of the payload's clock per frame: more than one for Opus below 48 kHz. */
  readonly #ticksPerFrame: number;
  /** The header, reused for each packet. */
  readonly #header: { -readonly [Field in keyof RtpHeader]: RtpHeader[Field] };
  /** The last sent payloads, each at its sequence number modulo the length. */
  readonly #sent: readonly Sent[];
  #redundancy = 0;
  #spacing = 1;
  #skippedCopies = 0;
  /** The first packet after the last gap: a receiver would misnumber copies from before it. */
  #runStart = 0;
  /** The next number due without a gap; −1 at the start. */
  #nextSequence = -1;
  /** The first and the last full number sent; −1 before. */
  #firstSent = -1;
  #lastSent = -1;

  /** @throws TypeError or RangeError for a stream that RTP cannot carry */
  constructor(stream: RtpStreamOptions) {
    checkObject('stream must be an object', stream);
    const { format, sampleRate, channels } = stream;
    this.#ticksPerFrame = rtpClockRate(stream) / sampleRate;
    this.#stream = { format, sampleRate, channels };
    this.#sampleBytes = isSampleFormat(format) ? bytesPerSample(format) : 1;
    const { payloadType, redPayloadType } = payloadTypesOf(stream);
    this.#payloadType = payloadType;
    this.#redPayloadType = redPayloadType;
    this.#sequenceOffset = integerIn('sequenceOffset', stream.sequenceOffset ?? 0, 0, 65_535);
    this.#timestampOffset = integerIn(
      'timestampOffset',
      stream.timestampOffset ?? 0,
      0,
      TIMESTAMPS - 1,
    );
    this.#header = {
      payloadType: this.#payloadType,
      sequenceNumber: 0,
      timestamp: 0,
      ssrc: integerIn('ssrc', stream.ssrc ?? DEFAULT_SSRC, 0, TIMESTAMPS - 1),
      marker: false,
    };
    this.#sent = Array.from({ length: KEPT }, () => ({
      sequence: -1,
      timestamp: 0,
      duration: 0,
      byteLength: 0,
      bytes: new Uint8Array(RED_MAX_BLOCK_BYTES),
    }));
  }

  /** The SSRC of the source (RFC 3550 §3). */
  get ssrc(): number {
    return this.#header.ssrc;
  }

  /**
   * Full number of the first packet sent, including `sequenceOffset`; the wire carries its last 16 bits. −1 before. From these
   * numbers an `AdaptiveRedundancy` knows what a receiver can have received.
   */
  get firstSent(): number {
    return this.#firstSent;
  }

  /** Full number of the last packet sent, likewise. */
  get lastSent(): number {
    return this.#lastSent;
  }

  /**
   * Number of copies of earlier packets in each packet, 0..3. Takes effect with the next packet. A copy is left out if RED cannot
   * hold it: longer than 1023 bytes, or more than 16383 units of the clock old (341 ms at 48 kHz). It is also left out if a
   * receiver could not infer its number, which it counts back by the duration of the copy: across dropped frames, and if packets in
   * between differ so much in length that the result would be wrong.
   */
  get redundancy(): number {
    return this.#redundancy;
  }

  set redundancy(copies: number) {
    this.#redundancy = integerIn('redundancy', copies, 0, MAX_REDUNDANCY);
  }

  /**
   * Distance in packets to the first copy, and between copies, 1..4. A larger distance outlasts longer bursts of loss, and delays
   * the recovered audio more. Takes effect with the next packet.
   */
  get redundancySpacing(): number {
    return this.#spacing;
  }

  set redundancySpacing(packets: number) {
    this.#spacing = integerIn('redundancySpacing', packets, 1, MAX_REDUNDANCY_SPACING);
  }

  /** Number of requested copies that were left out for these reasons, since the start. */
  get skippedCopies(): number {
    return this.#skippedCopies;
  }

  /** @throws RangeError also for a packet of another stream */
  encode(packet: Packet | LazyPacket): Uint8Array<ArrayBuffer> {
    checkOutgoing(packet);
    this.#checkStream(packet);
    const payload = payloadBytes(packet);
    checkOutgoingLength(packet, payload.length);
    const { sequence } = packet;
    const gap = sequence !== this.#nextSequence || packet.dropped > 0;
    if (gap) this.#runStart = sequence;
    this.#nextSequence = sequence + 1;

    // The product of frame and ticks may exceed 2⁵³; only 32 bits of it count.
    const ticks = (packet.frame % TIMESTAMPS) * this.#ticksPerFrame;
    const header = this.#header;
    header.sequenceNumber = (sequence + this.#sequenceOffset) % SEQUENCES;
    header.timestamp = (ticks + this.#timestampOffset) % TIMESTAMPS;
    header.marker = gap;
    const message = this.#write(sequence, payload);
    this.#note(sequence + this.#sequenceOffset);
    this.#keep(packet, payload.length, message);
    return message;
  }

  reset(): void {
    for (const sent of this.#sent) sent.sequence = -1;
    this.#nextSequence = -1;
    this.#runStart = 0;
    this.#skippedCopies = 0;
    this.#firstSent = -1;
    this.#lastSent = -1;
  }

  /** Detects that the caller's numbers restart. */
  #note(sent: number): void {
    if (this.#firstSent < 0 || sent < this.#lastSent - MAX_MISORDER) {
      this.#firstSent = sent;
      this.#lastSent = sent;
    } else if (sent > this.#lastSent) {
      this.#lastSent = sent;
    }
  }

  #checkStream(packet: Packet | LazyPacket): void {
    for (const field of ['format', 'sampleRate', 'channels'] as const) {
      const [wanted, got] = [this.#stream[field], packet[field]];
      if (got === wanted) continue;
      throw new RangeError(`${field} must be the stream's, ${wanted}, got ${got}.`);
    }
  }

  #write(sequence: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
    let copies = 0;
    let copiedBytes = 0;
    for (let copy = this.#redundancy; copy > 0; copy--) {
      const sent = this.#copy(sequence, copy);
      if (sent === undefined) {
        if (this.#wasSent(sequence - copy * this.#spacing)) this.#skippedCopies++;
        continue;
      }
      copies++;
      copiedBytes += RED_BLOCK_HEADER_BYTES + sent.byteLength;
    }
    const redBytes = copies === 0 ? 0 : copiedBytes + RED_PRIMARY_HEADER_BYTES;
    const message = new Uint8Array(RTP_HEADER_BYTES + redBytes + payload.length);
    const header = this.#header;
    header.payloadType = copies === 0 ? this.#payloadType : this.#redPayloadType;
    let at = writeRtpHeader(header, message);
    if (copies > 0) at = this.#writeCopies(sequence, message, at);
    copySwapped(payload, this.#sampleBytes, message, at);
    return message;
  }

  /** Whether this packet was ever sent, so that a copy could exist. */
  #wasSent(sequence: number): boolean {
    return sequence >= 0 && this.#sent[sequence % KEPT]!.sequence === sequence;
  }

  #writeCopies(sequence: number, message: Uint8Array, byteOffset: number): number {
    let at = byteOffset;
    const { timestamp } = this.#header;
    for (let copy = this.#redundancy; copy > 0; copy--) {
      const sent = this.#copy(sequence, copy);
      if (sent === undefined) continue;
      const offset = timestampDifference(sent.timestamp, timestamp);
      at = writeRedBlockHeader(this.#payloadType, offset, sent.byteLength, message, at);
    }
    at = writeRedPrimaryHeader(this.#payloadType, message, at);
    for (let copy = this.#redundancy; copy > 0; copy--) {
      const sent = this.#copy(sequence, copy);
      if (sent === undefined) continue;
      message.set(sent.bytes.subarray(0, sent.byteLength), at);
      at += sent.byteLength;
    }
    return at;
  }

  /** Returns the payload to copy into a packet, if RED can hold it and a receiver can infer its number. */
  #copy(sequence: number, copy: number): Sent | undefined {
    const distance = copy * this.#spacing;
    const wanted = sequence - distance;
    const sent = this.#sent[wanted % KEPT];
    if (sent === undefined || wanted < this.#runStart || sent.sequence !== wanted) return undefined;
    const offset = timestampDifference(sent.timestamp, this.#header.timestamp);
    if (sent.byteLength > RED_MAX_BLOCK_BYTES || offset > RED_MAX_TIMESTAMP_OFFSET)
      return undefined;
    // A receiver counts packets back by the duration of this one.
    return Math.round(offset / sent.duration) === distance ? sent : undefined;
  }

  /** Keeps a payload, which is the end of its message. */
  #keep(packet: Packet | LazyPacket, byteLength: number, message: Uint8Array): void {
    const sent = this.#sent[packet.sequence % KEPT]!;
    sent.sequence = packet.sequence;
    sent.timestamp = this.#header.timestamp;
    sent.duration = packet.frames * this.#ticksPerFrame;
    sent.byteLength = byteLength;
    if (byteLength > RED_MAX_BLOCK_BYTES) return;
    sent.bytes.set(message.subarray(message.length - byteLength));
  }
}

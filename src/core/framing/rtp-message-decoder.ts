import { checkObject } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { OPUS_RATE, opusPacketFrames } from '../codec/opus-packet.ts';
import { bytesPerSample } from '../dsp/sample-format.ts';
import { PacketError } from '../errors.ts';
import { copySwapped } from '../rtp/byte-order.ts';
import { RedBlocks } from '../rtp/red.ts';
import { RtpPacket } from '../rtp/rtp-packet.ts';
import { rtpClockRate, rtpPayloadType } from '../rtp/rtp-payload-format.ts';
import { SequenceUnwrapper, TimestampUnwrapper } from '../rtp/unwrapper.ts';
import type { FramedStream, MessageDecoder } from './framing.ts';
import type { Packet } from './packet.ts';
import { MAX_PAYLOAD_BYTES } from './packet.ts';
import type { RtpStream } from './rtp-stream.ts';
import { redPayloadTypeOf } from './rtp-message-encoder.ts';

const SEQUENCES = 2 ** 16;
const TIMESTAMPS = 2 ** 32;
/** Packets that are remembered, to tell the numbers of redundant copies. */
const REMEMBERED = 32;

/** Reads RTP packets of one stream. */
export class RtpMessageDecoder implements MessageDecoder {
  readonly #stream: FramedStream;
  readonly #bytesPerFrame: number;
  readonly #payloadType: number;
  readonly #redPayloadType: number;
  readonly #sequenceOffset: number;
  readonly #timestampOffset: number;
  readonly #ticksPerFrame: number;
  /** Who has to send; −1: the first that is heard. */
  readonly #wantedSsrc: number;
  /** Who sends; −1 before the first. */
  #ssrc: number;
  readonly #packet = new RtpPacket();
  readonly #blocks = new RedBlocks();
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  /** The frame behind the packet with the highest number; NaN before the first. */
  #end = Number.NaN;
  /** Numbers and first frames of the last packets, in turns. */
  readonly #lastSequences = new Float64Array(REMEMBERED).fill(-1);
  readonly #lastFrames = new Float64Array(REMEMBERED);
  #received = 0;

  /** @throws TypeError or RangeError for a stream that RTP cannot carry */
  constructor(stream: RtpStream) {
    checkObject('stream must be an RtpStream', stream);
    const { format, sampleRate, channels } = stream;
    this.#ticksPerFrame = rtpClockRate(stream) / sampleRate;
    this.#stream = { format, sampleRate, channels };
    this.#bytesPerFrame = format === 'opus' ? 0 : channels * bytesPerSample(format);
    const payloadType = stream.payloadType ?? rtpPayloadType(stream);
    this.#payloadType = integerIn('payloadType', payloadType, 0, 127);
    this.#redPayloadType = redPayloadTypeOf(stream);
    const { sequenceOffset = 0, timestampOffset = 0, ssrc } = stream;
    this.#sequenceOffset = integerIn('sequenceOffset', sequenceOffset, 0, SEQUENCES - 1);
    this.#timestampOffset = integerIn('timestampOffset', timestampOffset, 0, TIMESTAMPS - 1);
    this.#wantedSsrc = ssrc === undefined ? -1 : integerIn('ssrc', ssrc, 0, TIMESTAMPS - 1);
    this.#ssrc = this.#wantedSsrc;
  }

  /** A redundant copy is given as often as it comes; a jitter buffer takes it once. */
  decode(message: string | Uint8Array): readonly Packet[] {
    if (typeof message === 'string') {
      throw new PacketError('unknown-type', 'an RTP packet must be bytes, got text.');
    }
    const packet = this.#packet.parse(message);
    if (this.#ssrc >= 0 && packet.ssrc !== this.#ssrc) {
      throw new PacketError('unknown-type', `the packet is of another source, ${packet.ssrc}.`);
    }
    return this.#read(packet, this.#blockCount(packet));
  }

  reset(): void {
    this.#ssrc = this.#wantedSsrc;
    this.#sequences.reset();
    this.#timestamps.reset();
    this.#end = Number.NaN;
    this.#lastSequences.fill(-1);
    this.#received = 0;
  }

  /** RED's blocks; 0 without RED. */
  #blockCount({ payloadType, source, payloadOffset, payloadBytes }: RtpPacket): number {
    let type = payloadType;
    let count = 0;
    if (payloadType === this.#redPayloadType) {
      count = this.#blocks.parse(source, payloadOffset, payloadBytes);
      type = this.#blocks.payloadType(count - 1);
    }
    if (type === this.#payloadType) return count;
    throw new PacketError('unknown-type', `payload type ${type} was not agreed on.`);
  }

  /** Nothing is taken note of before all of it is known to be sound. */
  #read(packet: RtpPacket, blockCount: number): readonly Packet[] {
    const { source, payloadOffset, payloadBytes } = packet;
    const blocks = this.#blocks;
    const primary = blockCount - 1;
    const payload =
      blockCount === 0
        ? source.subarray(payloadOffset, payloadOffset + payloadBytes)
        : this.#blockOf(source, primary);
    const frames = this.#framesIn(payload);
    const sequenceNumber = (packet.sequenceNumber - this.#sequenceOffset + SEQUENCES) % SEQUENCES;
    const timestamp = (packet.timestamp - this.#timestampOffset + TIMESTAMPS) % TIMESTAMPS;
    const sequence = this.#sequences.peek(sequenceNumber);
    const tick = this.#timestamps.peek(timestamp);
    if (sequence < 0 || tick < 0 || tick > Number.MAX_SAFE_INTEGER) {
      throw new PacketError('bad-field', 'the packet lies outside of the stream.');
    }
    const frame = Math.floor(tick / this.#ticksPerFrame);
    const packets: Packet[] = [];
    for (let block = 0; block < primary; block++) {
      if (blocks.payloadType(block) !== this.#payloadType || blocks.byteLength(block) === 0)
        continue;
      const copyTick = tick - blocks.timestampOffset(block);
      const copy = this.#blockOf(source, block);
      const copyFrames = this.#framesIn(copy);
      const copyFrame = Math.floor(copyTick / this.#ticksPerFrame);
      const copySequence = this.#sequenceOf(copyFrame, copyFrames, sequence, frame);
      if (copyFrame < 0 || copySequence < 0) continue;
      packets.push({
        ...this.#packetOf(copySequence, copyFrame, copyFrames, copy, 0),
        redundant: true,
      });
    }
    const inOrder = sequence === this.#sequences.highest + 1;
    const dropped = inOrder ? Math.max(0, frame - this.#end) : 0;
    packets.push(this.#packetOf(sequence, frame, frames, payload, dropped));

    this.#ssrc = packet.ssrc;
    if (!(sequence <= this.#sequences.highest)) this.#end = frame + frames;
    this.#sequences.unwrap(sequenceNumber);
    this.#timestamps.unwrap(timestamp);
    const place = this.#received++ % REMEMBERED;
    this.#lastSequences[place] = sequence;
    this.#lastFrames[place] = frame;
    return packets;
  }

  #blockOf(source: Uint8Array, block: number): Uint8Array {
    const from = this.#blocks.byteOffset(block);
    return source.subarray(from, from + this.#blocks.byteLength(block));
  }

  /** @throws PacketError when it is no payload of the stream */
  #framesIn(payload: Uint8Array): number {
    if (payload.length > MAX_PAYLOAD_BYTES) {
      const got = `got ${payload.length}.`;
      throw new PacketError(
        'oversized',
        `a payload has at most ${MAX_PAYLOAD_BYTES} bytes, ${got}`,
      );
    }
    if (this.#bytesPerFrame === 0) {
      return (opusPacketFrames(payload) * this.#stream.sampleRate) / OPUS_RATE;
    }
    if (payload.length % this.#bytesPerFrame !== 0) {
      const got = `got ${payload.length} bytes.`;
      throw new PacketError('truncated', `a frame has ${this.#bytesPerFrame} bytes, ${got}`);
    }
    return payload.length / this.#bytesPerFrame;
  }

  /**
   * The number of a copy, which RED does not say: counted back from the packet that brought it by how long the copy is, and
   * kept between the numbers of the packets that were received around it.
   */
  #sequenceOf(frame: number, frames: number, packetSequence: number, packetFrame: number): number {
    const distance = frames === 0 ? 1 : Math.round((packetFrame - frame) / frames);
    let sequence = packetSequence - Math.max(1, distance);
    const known = Math.min(this.#received, REMEMBERED);
    for (let i = 0; i < known; i++) {
      const knownFrame = this.#lastFrames[i]!;
      const knownSequence = this.#lastSequences[i]!;
      if (knownFrame === frame) return knownSequence;
      if (knownFrame < frame && sequence <= knownSequence) sequence = knownSequence + 1;
      else if (knownFrame > frame && sequence >= knownSequence) sequence = knownSequence - 1;
    }
    return sequence;
  }

  #packetOf(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    dropped: number,
  ): Packet {
    const { format, sampleRate, channels } = this.#stream;
    return {
      sequence,
      frame,
      frames,
      timestamp: Math.round((frame / sampleRate) * 1e6),
      dropped,
      format,
      sampleRate,
      channels,
      payload: this.#littleEndian(payload),
    };
  }

  #littleEndian(payload: Uint8Array): Uint8Array {
    const { format } = this.#stream;
    if (format !== 's16' && format !== 's24') return payload;
    const swapped = new Uint8Array(payload.length);
    copySwapped(payload, bytesPerSample(format), swapped, 0);
    return swapped;
  }
}

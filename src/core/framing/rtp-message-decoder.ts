import { checkObject } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { packetFrames } from '../codec/packet-frames.ts';
import { FORMATS } from '../format/formats.ts';
import { bytesPerFrame, frameTimestamp } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { PacketError } from '../errors.ts';
import { copySwapped } from '../bytes.ts';
import type { NoAudio, RtpFields, RtpStreamOptions } from '../rtp/rtp-stream.ts';
import { RedBlocks } from '../rtp/red.ts';
import { RtpPacket } from '../rtp/rtp-packet.ts';
import { payloadTypesOf, rtpClockRate } from '../rtp/rtp-payload-format.ts';
import {
  CANDIDATE,
  CONTINUES,
  DURATION,
  MAX_MISORDER,
  RESTARTS,
  SEQUENCE,
  SourceProbation,
  StreamContinuity,
  TIMESTAMP,
} from '../rtp/stream-continuity.ts';
import { sequenceDifference } from '../rtp/unwrapper.ts';
import type { MessageDecoder } from './framing.ts';
import type { Packet } from './packet.ts';
import { MAX_PAYLOAD_BYTES, checkMessage } from './packet.ts';

const SEQUENCES = 2 ** 16;
const TIMESTAMPS = 2 ** 32;
/** Number of packets remembered to find the numbers of redundant copies. */
const REMEMBERED = 32;
/** Neither a sequence number nor the one before a sequence number. */
const NONE = -2;
/** RFC 3551 §4.5.3 and table 4: comfort noise (RFC 3389) in streams at 8 kHz. */
const COMFORT_NOISE_TYPE = 13;
const NO_BYTES = new Uint8Array(0);

/** Counters of an RTP decoder since the start or `reset`. */
export interface RtpDecoderStatistics {
  /** Packets of the stream, with or without audio, including late ones and duplicates. */
  readonly packetsReceived: number;
  /** Packets without audio among them, by reason. */
  readonly withoutAudio: Readonly<Record<NoAudio, number>>;
  /** Packets from elsewhere: from other sources, or far from all others and not confirmed by the next one. */
  readonly strays: number;
  /** Number of times that the sender restarted, or another source replaced it. */
  readonly restarts: number;
}

/**
 * Reads RTP packets of one stream.
 *
 * `sequence` and `frame` never go back: if the sender restarts, under the same SSRC or another one, its new numbers continue the
 * old ones. A restart is recognized at its second packet (RFC 3550 A.1); the first one is kept, and returned together with it.
 */
export class RtpMessageDecoder implements MessageDecoder {
  readonly #stream: StreamFormat;
  readonly #bytesPerFrame: number;
  readonly #payloadType: number;
  readonly #redPayloadType: number;
  readonly #sequenceOffset: number;
  readonly #timestampOffset: number;
  readonly #ticksPerFrame: number;
  readonly #clockRate: number;
  /** The required SSRC; −1 for the first one that sends. */
  readonly #wantedSsrc: number;
  /** The SSRC of the current source; −1 before the first packet. */
  #ssrc: number;
  readonly #packet = new RtpPacket();
  readonly #blocks = new RedBlocks();
  /** Number of RED blocks in the packet; 0 without RED. */
  #blockCount = 0;
  /** Payload of the current packet, without its copies; empty if it carries no audio. */
  #payload: Uint8Array = NO_BYTES;
  #frames = 0;
  readonly #continuity: StreamContinuity;
  readonly #probation = new SourceProbation();
  /** The message that the next one may confirm (`CANDIDATE`). */
  #held = NO_BYTES;
  /** On our scale: number and first tick of the newest packet, and the end of its audio. */
  #high = 0;
  #highTick = 0;
  #endTick = 0;
  /** All packets after the newest with audio have arrived up to this number; `NONE` before the first. */
  #wholeUpTo = NONE;
  /** Numbers and first frames of the last packets, in pairs. */
  readonly #lastSequences = new Float64Array(REMEMBERED);
  readonly #lastFrames = new Float64Array(REMEMBERED);
  /** Numbers of the last packets without audio, each at its number modulo the length. */
  readonly #emptySequences = new Float64Array(REMEMBERED).fill(-1);
  #remembered = 0;
  #received = 0;
  #strays = 0;
  #restarts = 0;
  readonly #withoutAudio = { padding: 0, 'comfort-noise': 0, other: 0 };

  /** @throws TypeError or RangeError for a stream that RTP cannot carry */
  constructor(stream: RtpStreamOptions) {
    checkObject('stream must be an object', stream);
    const { format, sampleRate, channels } = stream;
    this.#clockRate = rtpClockRate(stream);
    this.#ticksPerFrame = this.#clockRate / sampleRate;
    this.#continuity = new StreamContinuity(this.#clockRate, true);
    this.#stream = { format, sampleRate, channels };
    this.#bytesPerFrame = bytesPerFrame(stream);
    const { payloadType, redPayloadType } = payloadTypesOf(stream);
    this.#payloadType = payloadType;
    this.#redPayloadType = redPayloadType;
    const { sequenceOffset = 0, timestampOffset = 0, ssrc } = stream;
    this.#sequenceOffset = integerIn('sequenceOffset', sequenceOffset, 0, SEQUENCES - 1);
    this.#timestampOffset = integerIn('timestampOffset', timestampOffset, 0, TIMESTAMPS - 1);
    this.#wantedSsrc = ssrc === undefined ? -1 : integerIn('ssrc', ssrc, 0, TIMESTAMPS - 1);
    this.#ssrc = this.#wantedSsrc;
  }

  /** The counters. Allocates its result. */
  get statistics(): RtpDecoderStatistics {
    return {
      packetsReceived: this.#received,
      withoutAudio: { ...this.#withoutAudio },
      strays: this.#strays,
      restarts: this.#restarts,
    };
  }

  /**
   * A redundant copy is returned each time that it arrives; a jitter buffer takes it once. Packets without audio are returned too
   * (`noAudio`). The list is empty for a packet that may be a stray; if the next one confirms it, both are returned together.
   */
  decode(message: string | Uint8Array): readonly Packet[] {
    if (typeof message === 'string') {
      throw new PacketError('unknown-type', 'an RTP packet must be bytes, got text.');
    }
    checkMessage(message);
    const noAudio = this.#parse(message);
    const { ssrc, sequenceNumber } = this.#packet;
    if (this.#ssrc >= 0 && ssrc !== this.#ssrc) {
      const isDue = this.#wantedSsrc < 0 && noAudio === undefined;
      if (!isDue || !this.#probation.heard(ssrc, sequenceNumber)) {
        this.#strays++;
        throw new PacketError('unknown-type', `the packet is of another source, ${ssrc}.`);
      }
      this.#ssrc = ssrc;
      this.#probation.reset();
      return this.#restart([message]);
    }
    this.#ssrc = ssrc;
    this.#probation.heardOwn();
    if (!this.#continuity.opened) this.#open();
    this.#setInput();
    const verdict = this.#continuity.judge(noAudio === undefined);
    if (verdict === CONTINUES) return this.#read(noAudio);
    if (verdict === RESTARTS) return this.#restart(this.#confirmed(message));
    this.#strays++;
    if (verdict === CANDIDATE) this.#held = new Uint8Array(message);
    return [];
  }

  reset(): void {
    this.#ssrc = this.#wantedSsrc;
    this.#continuity.reset();
    this.#probation.reset();
    this.#held = NO_BYTES;
    this.#wholeUpTo = NONE;
    this.#endTick = 0;
    this.#emptySequences.fill(-1);
    this.#remembered = 0;
    this.#received = 0;
    this.#strays = 0;
    this.#restarts = 0;
    this.#withoutAudio.padding = 0;
    this.#withoutAudio['comfort-noise'] = 0;
    this.#withoutAudio.other = 0;
  }

  /**
   * Parses a message without changing the state.
   * @returns why it carries no audio; undefined if it carries audio
   * @throws PacketError when it is invalid, or of another payload type while no source is known
   */
  #parse(message: Uint8Array): NoAudio | undefined {
    const packet = this.#packet.parse(message);
    const { payloadType, payloadOffset, payloadBytes } = packet;
    this.#blockCount = 0;
    this.#payload = NO_BYTES;
    this.#frames = 0;
    let type = payloadType;
    let bytes = payloadBytes;
    if (payloadType === this.#redPayloadType && payloadBytes > 0) {
      this.#blockCount = this.#blocks.parse(message, payloadOffset, payloadBytes);
      type = this.#blocks.payloadType(this.#blockCount - 1);
      bytes = this.#blocks.byteLength(this.#blockCount - 1);
      for (let block = 0; block < this.#blockCount - 1; block++) {
        if (this.#isCopy(block)) this.#framesIn(this.#blockOf(block));
      }
    }
    const isOwn = type === this.#payloadType || type === this.#redPayloadType;
    // An empty PCM packet may hold zero frames.
    const isEmpty = bytes === 0 && (packet.paddingBytes > 0 || this.#bytesPerFrame === 0);
    if (isEmpty && isOwn) return 'padding';
    if (type === this.#payloadType) {
      this.#payload =
        this.#blockCount > 0
          ? this.#blockOf(this.#blockCount - 1)
          : message.subarray(payloadOffset, payloadOffset + payloadBytes);
      this.#frames = this.#framesIn(this.#payload);
      return undefined;
    }
    // The payload type of a source's first packet decides whether the source is ours.
    if (packet.ssrc !== this.#ssrc || !this.#continuity.opened) {
      throw new PacketError('unknown-type', `payload type ${type} was not agreed on.`);
    }
    if (bytes === 0) return 'padding';
    return type === COMFORT_NOISE_TYPE ? 'comfort-noise' : 'other';
  }

  #setInput(): void {
    const { sequenceNumber, timestamp } = this.#packet;
    const { input } = this.#continuity;
    input[SEQUENCE] = (sequenceNumber - this.#sequenceOffset + SEQUENCES) % SEQUENCES;
    input[TIMESTAMP] = (timestamp - this.#timestampOffset + TIMESTAMPS) % TIMESTAMPS;
    input[DURATION] = this.#frames * this.#ticksPerFrame;
  }

  /**
   * Takes the very first packet: our scale starts with its numbers. If they have just wrapped to 0 in the middle of a stream, room
   * is left below for packets that it overtook.
   */
  #open(): void {
    this.#setInput();
    const { input } = this.#continuity;
    const sequence = input[SEQUENCE]!;
    const tick = input[TIMESTAMP]!;
    const duration = input[DURATION]!;
    this.#high = sequence - 1;
    this.#highTick = tick - duration;
    // This far into a stream there were packets before.
    const isLater = sequence >= MAX_MISORDER;
    const isStart = this.#packet.marker || duration === 0 || tick <= sequence * duration;
    if (isStart && !isLater) return;
    if (!isLater) this.#high += SEQUENCES;
    if (tick < MAX_MISORDER * duration) this.#highTick += TIMESTAMPS;
  }

  /** The current packet confirms a restart: the held packet comes first, or second if it was overtaken. */
  #confirmed(message: Uint8Array): readonly Uint8Array[] {
    const { hasCandidate, candidateSequence, input } = this.#continuity;
    const held = this.#held;
    this.#held = NO_BYTES;
    if (!hasCandidate) return [message];
    this.#strays--;
    const isOlder = sequenceDifference(candidateSequence, input[SEQUENCE]!) > 0;
    return isOlder ? [held, message] : [message, held];
  }

  /** Starts a new run, whose first audio follows the previous audio. */
  #restart(messages: readonly Uint8Array[]): readonly Packet[] {
    this.#restarts++;
    const packets: Packet[] = [];
    for (const [i, message] of messages.entries()) {
      const noAudio = this.#parse(message);
      this.#setInput();
      if (i === 0) {
        this.#continuity.reopen();
        this.#highTick = this.#endTick - this.#continuity.input[DURATION]!;
        this.#wholeUpTo = NONE;
      }
      this.#continuity.judge(noAudio === undefined);
      packets.push(...this.#read(noAudio));
    }
    return packets;
  }

  /** Reads the current packet, which continues the stream. */
  #read(noAudio: NoAudio | undefined): readonly Packet[] {
    const { ahead, step } = this.#continuity;
    this.#received++;
    const sequence = this.#high + ahead;
    const tick = this.#highTick + step;
    // A packet from before the stream's first packet.
    if (sequence < 0 || tick < 0) return [];
    const frame = Math.floor(tick / this.#ticksPerFrame);
    const packets: Packet[] = [];
    // An event may have an old timestamp.
    if (noAudio === undefined || Math.abs(step) <= this.#clockRate) {
      this.#readCopies(sequence, tick, frame, packets);
    }
    const rtp = this.#rtpFields();
    if (noAudio !== undefined) {
      this.#withoutAudio[noAudio]++;
      if (ahead > 0) this.#high = sequence;
      this.#emptySequences[sequence % REMEMBERED] = sequence;
      if (this.#wholeUpTo >= 0) this.#extendWhole();
      const end = Math.floor(this.#endTick / this.#ticksPerFrame);
      packets.push(this.#packetOf(sequence, end, 0, NO_BYTES, 0, rtp, noAudio));
      return packets;
    }
    const payload = this.#payload;
    const frames = this.#frames;
    const end = Math.floor(this.#endTick / this.#ticksPerFrame);
    // If no packet was lost in between, the sender dropped the audio.
    const dropped = sequence === this.#wholeUpTo + 1 ? Math.max(0, frame - end) : 0;
    packets.push(this.#packetOf(sequence, frame, frames, payload, dropped, rtp));

    if (ahead > 0) this.#high = sequence;
    if (this.#continuity.leads) {
      this.#wholeUpTo = sequence;
      this.#extendWhole();
      this.#highTick = tick;
      this.#endTick = tick + frames * this.#ticksPerFrame;
    } else if (tick === this.#highTick) {
      // The same place again, perhaps longer, from a sender that has just restarted.
      this.#endTick = Math.max(this.#endTick, tick + frames * this.#ticksPerFrame);
    }
    const place = this.#remembered++ % REMEMBERED;
    this.#lastSequences[place] = sequence;
    this.#lastFrames[place] = frame;
    return packets;
  }

  /** Advances over packets without audio that arrived early. */
  #extendWhole(): void {
    const empty = this.#emptySequences;
    for (let next = this.#wholeUpTo + 1; empty[next % REMEMBERED] === next; next++) {
      this.#wholeUpTo = next;
    }
  }

  #readCopies(sequence: number, tick: number, frame: number, packets: Packet[]): void {
    for (let block = 0; block < this.#blockCount - 1; block++) {
      if (!this.#isCopy(block)) continue;
      const copyTick = tick - this.#blocks.timestampOffset(block);
      const copy = this.#blockOf(block);
      const frames = this.#framesIn(copy);
      const copyFrame = Math.floor(copyTick / this.#ticksPerFrame);
      const copySequence = this.#sequenceOf(copyFrame, frames, sequence, frame);
      if (copyFrame < 0 || copySequence < 0) continue;
      packets.push(this.#packetOf(copySequence, copyFrame, frames, copy, 0));
    }
  }

  #rtpFields(): RtpFields {
    const { ssrc, sequenceNumber, timestamp, payloadType, marker } = this.#packet;
    return { ssrc, sequenceNumber, timestamp, payloadType, marker };
  }

  #isCopy(block: number): boolean {
    const blocks = this.#blocks;
    return blocks.payloadType(block) === this.#payloadType && blocks.byteLength(block) > 0;
  }

  #blockOf(block: number): Uint8Array {
    const from = this.#blocks.byteOffset(block);
    return this.#packet.source.subarray(from, from + this.#blocks.byteLength(block));
  }

  /** @throws PacketError when it is not a payload of the stream */
  #framesIn(payload: Uint8Array): number {
    if (payload.length > MAX_PAYLOAD_BYTES) {
      const got = `got ${payload.length}.`;
      throw new PacketError(
        'oversized',
        `a payload has at most ${MAX_PAYLOAD_BYTES} bytes, ${got}`,
      );
    }
    const { codec } = FORMATS[this.#stream.format];
    if (codec !== undefined) return packetFrames(codec, payload, this.#stream.sampleRate);
    if (payload.length % this.#bytesPerFrame !== 0) {
      const got = `got ${payload.length} bytes.`;
      throw new PacketError('truncated', `a frame has ${this.#bytesPerFrame} bytes, ${got}`);
    }
    return payload.length / this.#bytesPerFrame;
  }

  /**
   * Returns the number of a copy, which RED does not carry: counted back from its packet by the duration of the copy, over packets
   * with audio only, and limited by the numbers of the packets received around it.
   */
  #sequenceOf(frame: number, frames: number, packetSequence: number, packetFrame: number): number {
    const distance = frames === 0 ? 1 : Math.round((packetFrame - frame) / frames);
    let sequence = this.#countBack(packetSequence, Math.max(1, distance));
    const known = Math.min(this.#remembered, REMEMBERED);
    for (let i = 0; i < known; i++) {
      const knownFrame = this.#lastFrames[i]!;
      const knownSequence = this.#lastSequences[i]!;
      if (knownFrame === frame) return knownSequence;
      if (knownFrame < frame && sequence <= knownSequence) sequence = knownSequence + 1;
      else if (knownFrame > frame && sequence >= knownSequence) sequence = knownSequence - 1;
    }
    return this.#countBack(sequence + 1, 1);
  }

  /** Returns the number that many packets earlier, not counting packets without audio. */
  #countBack(from: number, packets: number): number {
    let sequence = from;
    // Older packets are not remembered.
    for (let i = 0; i < packets && i < REMEMBERED; i++) {
      sequence--;
      while (this.#isWithoutAudio(sequence)) sequence--;
    }
    return packets > REMEMBERED ? sequence - (packets - REMEMBERED) : sequence;
  }

  #isWithoutAudio(sequence: number): boolean {
    const place = ((sequence % REMEMBERED) + REMEMBERED) % REMEMBERED;
    return this.#emptySequences[place] === sequence;
  }

  /** Creates a packet; without `rtp` it is a redundant copy. */
  #packetOf(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    dropped: number,
    rtp?: RtpFields,
    noAudio?: NoAudio,
  ): Packet {
    const { format, sampleRate, channels } = this.#stream;
    const packet = new DecodedPacket(rtp);
    packet.sequence = sequence;
    packet.frame = frame;
    packet.frames = frames;
    packet.timestamp = frameTimestamp(frame, sampleRate);
    packet.dropped = dropped;
    packet.format = format;
    packet.sampleRate = sampleRate;
    packet.channels = channels;
    packet.payload = this.#littleEndian(payload);
    if (rtp === undefined) packet.redundant = true;
    if (noAudio !== undefined) packet.noAudio = noAudio;
    return packet;
  }

  #littleEndian(payload: Uint8Array): Uint8Array {
    const sampleBytes = this.#bytesPerFrame / this.#stream.channels;
    if (sampleBytes <= 1) return payload;
    const swapped = new Uint8Array(payload.length);
    copySwapped(payload, sampleBytes, swapped, 0);
    return swapped;
  }
}

/** A packet with the RTP header in which it arrived. The fields are assigned one by one, because `Object.assign` is slow. */
class DecodedPacket implements Packet {
  declare sequence: number;
  declare frame: number;
  declare frames: number;
  declare timestamp: number;
  declare dropped: number;
  declare format: Packet['format'];
  declare sampleRate: number;
  declare channels: number;
  declare payload: Uint8Array;
  declare redundant?: true;
  declare noAudio?: NoAudio;
  readonly #rtp: RtpFields | undefined;

  constructor(rtp: RtpFields | undefined) {
    this.#rtp = rtp;
  }

  get rtp(): RtpFields | undefined {
    return this.#rtp;
  }
}

import {
  MAX_CHANNELS,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
  describe,
  describeOutside,
} from '../arguments.ts';
import { checkBytes, checkObject, checkSpelling } from '../option-names.ts';
import { FORMATS } from '../format/formats.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { PacketError } from '../errors.ts';
import { encodeBase64 } from '../base64/base64.ts';
import type { RtpArrival } from '../rtp/rtp-stream.ts';

/** The fields that describe a packet's payload in every framing. All numbers are integers. */
export interface PacketHeader extends StreamFormat {
  /**
   * Number of the packet since the start, from 0, without gaps: a gap on arrival is a loss on the network. Audio that the sender
   * dropped is not numbered. 0 to 2⁵³−1.
   */
  readonly sequence: number;
  /** Number of the payload's first frame at the wire rate since the start. 0..2⁵³−1. */
  readonly frame: number;
  /**
   * Frames in the payload (a frame is one sample per channel). For Opus, the captured frames: the last packet of a run is padded.
   * 0..2³²−1.
   */
  readonly frames: number;
  /** The instant of the first frame in µs since the start, as in WebCodecs. 0..2⁵³−1. */
  readonly timestamp: number;
  /** Frames that the sender dropped between the previous packet and this one. 0..2³²−1. */
  readonly dropped: number;
}

/** A packet whose payload is available as bytes. Every framing decodes to such packets. */
export interface Packet extends PacketHeader, RtpArrival {
  /**
   * Interleaved little-endian samples, or one Opus packet. May be a view of the decoded message: copy it to keep it.
   */
  readonly payload: Uint8Array;
}

/**
 * A packet that holds its payload as bytes or as Base64 and converts to the other form on access, such as a `Chunk` of a `Capture`.
 * A framing accesses only the form that it sends, which avoids needless conversions.
 */
export interface LazyPacket extends PacketHeader {
  readonly bytes: Uint8Array;
  /** The payload in Base64 (RFC 4648 §4). */
  readonly base64: string;
}

/** Longest payload that a framing writes or reads: 16 MiB. Bounds the memory that one message can cost a receiver. */
export const MAX_PAYLOAD_BYTES: number = 2 ** 24;

const MAX_UINT32 = 2 ** 32 - 1;

const STREAM_NAMES = { format: 1, sampleRate: 1, channels: 1 };

/**
 * Creates `createEncoder` or `createDecoder` of a framing that keeps no state between messages, so that all streams share one. Such
 * a framing needs no stream; a given stream is checked.
 * @internal
 */
export function sharedByStreams<Made>(made: Made): (stream?: StreamFormat) => Made {
  return (stream) => {
    if (stream !== undefined) {
      checkObject('stream must be an object', stream);
      checkSpelling('stream', stream, STREAM_NAMES);
    }
    return made;
  };
}

/** @throws TypeError for a value that no transport delivers. @internal */
export function checkMessage(message: Uint8Array): void {
  if (typeof message === 'object' && message !== null && 'subarray' in message) return;
  throw new TypeError(`message must be a string or a Uint8Array, got ${describe(message)}.`);
}

/** Returns the payload of either kind of packet as bytes. @internal */
export function payloadBytes(packet: Packet | LazyPacket): Uint8Array {
  return checkBytes('payload', 'payload' in packet ? packet.payload : packet.bytes);
}

/** Returns the payload of either kind of packet as Base64. @internal */
export function payloadBase64(packet: Packet | LazyPacket): string {
  return 'payload' in packet ? encodeBase64(payloadBytes(packet)) : packet.base64;
}

/** Returns the minimum and maximum size of a payload with this header, in bytes. They are equal for samples. @internal */
export function payloadBounds(header: PacketHeader): readonly [least: number, most: number] {
  const row = FORMATS[header.format];
  if (row.codec !== undefined) return [1, PACKET_CODECS[row.codec].maxPacketBytes];
  const bytes = header.frames * header.channels * row.bytes;
  return [bytes, Math.min(bytes, MAX_PAYLOAD_BYTES)];
}

/**
 * @throws RangeError when a header that is about to be sent holds a value that the wire cannot carry; TypeError for a value that is
 * not a packet
 * @internal
 */
export function checkOutgoing(header: PacketHeader): void {
  checkObject('packet must be a packet', header);
  const fault = headerFault(header);
  if (fault !== undefined) throw new RangeError(fault);
  const [bytes] = payloadBounds(header);
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`payload must have at most ${MAX_PAYLOAD_BYTES} bytes, got ${bytes}.`);
  }
}

/** @throws RangeError unless a payload that is about to be sent is as long as its header says. @internal */
export function checkOutgoingLength(header: PacketHeader, byteLength: number): void {
  const [least, most] = payloadBounds(header);
  if (byteLength >= least && byteLength <= most) return;
  throw new RangeError(`payload must have ${most} bytes, got ${byteLength}.`);
}

/** @throws PacketError when a header from the network holds a value out of its range. @internal */
export function checkIncoming(header: PacketHeader): void {
  const fault = headerFault(header);
  if (fault !== undefined) throw new PacketError('bad-field', fault);
}

/** @throws PacketError when a packet from the network has no place in its stream. @internal */
export function checkPlace(header: PacketHeader): void {
  const fault = placeFault(header);
  if (fault !== undefined) throw new PacketError('bad-field', fault);
}

/** @throws PacketError when a payload from the network is not as long as its header says. @internal */
export function checkPayloadLength(header: PacketHeader, byteLength: number): void {
  const [least, most] = payloadBounds(header);
  const got = `got ${byteLength}.`;
  if (byteLength < least) {
    throw new PacketError('truncated', `payload must have ${least} bytes, ${got}`);
  }
  if (byteLength > most) {
    throw new PacketError('oversized', `payload must have ${most} bytes, ${got}`);
  }
}

function headerFault(header: PacketHeader): string | undefined {
  return (
    placeFault(header) ??
    integerFault('frames', header.frames, 0, MAX_UINT32) ??
    integerFault('timestamp', header.timestamp, 0, Number.MAX_SAFE_INTEGER) ??
    integerFault('dropped', header.dropped, 0, MAX_UINT32) ??
    integerFault('sampleRate', header.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE) ??
    integerFault('channels', header.channels, 1, MAX_CHANNELS)
  );
}

function placeFault(header: PacketHeader): string | undefined {
  return (
    integerFault('sequence', header.sequence, 0, Number.MAX_SAFE_INTEGER) ??
    integerFault('frame', header.frame, 0, Number.MAX_SAFE_INTEGER)
  );
}

function integerFault(name: string, value: number, min: number, max: number): string | undefined {
  if (Number.isInteger(value) && value >= min && value <= max) return undefined;
  return `${name} must be an integer from ${min} to ${max}, got ${describeOutside(value)}.`;
}

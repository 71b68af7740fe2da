import { describe, describeOutside, integerIn } from '../arguments.ts';
import { packetFrames } from '../codec/packet-frames.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { FORMATS } from '../format/formats.ts';
import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { MessageDecoder } from '../framing/framing.ts';
import { checkPlace, payloadBytes } from '../framing/packet.ts';
import type { LazyPacket, Packet } from '../framing/packet.ts';
import { checkBytes, checkObject } from '../option-names.ts';
import { ReceivePipes } from '../pipe.ts';
import type { PipeSignal, PipeSource, ReceivePipeResult } from '../pipe.ts';
import type { ReceiveDelivery, ReceiveEvent } from '../messages.ts';

/** Input of a receiver: a packet, or the packets of a message. */
export type ReceivedPackets = Packet | LazyPacket | readonly Packet[];

/** Input of `receive`: a message as delivered by a transport. */
export type ReceivedMessage = string | ArrayBuffer | ArrayBufferView;

/** Creates the decoder for a stream's messages: a `Framing`, or your own wrapper of one. */
export interface ReceiveFraming {
  createDecoder(stream: StreamFormat): MessageDecoder;
}

export interface ReceiveFeedOptions extends StreamFormat {
  /** Framing for `receive`. */
  readonly framing?: ReceiveFraming | undefined;
  readonly maxPayloadBytes: number;
  readonly maxPacketFrames: number;
  /** Posts a delivery to the processor, with the buffers to transfer. */
  readonly send: (delivery: ReceiveDelivery, transfer: ArrayBuffer[]) => void;
}

/** Maximum number of buffers kept for reuse. */
const MAX_FREE = 64;

/** Passes packets to a receiver's processor from any thread, in buffers that are returned. */
export class ReceiveFeed {
  readonly #options: ReceiveFeedOptions;
  readonly #bufferBytes: number;
  readonly #free: ArrayBuffer[] = [];
  readonly #pipes = new ReceivePipes();
  #closed = false;
  #decoder: MessageDecoder | undefined;
  #badMessages = 0;
  #decodeErrors = 0;

  constructor(options: ReceiveFeedOptions) {
    this.#options = options;
    this.#bufferBytes = options.maxPayloadBytes;
  }

  /**
   * Passes packets to the processor. Payloads are copied; the caller may reuse them.
   * @param packets one packet, or those of a message: redundant copies replace packets that do not arrive, and packets without
   *   audio account for their numbers
   * @throws PacketError when a packet differs from the stream in format, rate or channel count (the others are still taken);
   *   TypeError or RangeError for anything but packets with a `sequence` and a `frame` (then no packet is taken); MicwireError
   *   `'closed'`
   */
  insert(packets: ReceivedPackets): void {
    for (const packet of listOf(packets)) checkPacket(packet);
    if (this.#closed)
      throw new MicwireError('closed', 'The receiver is closed. Create another one.');
    const stranger = this.#insert(packets);
    if (stranger !== undefined) throw stranger;
  }

  /**
   * Decodes a message of the framing and passes on its packets. Never throws for data from the network.
   * @returns false for a message that the framing does not know, or of another stream, which is counted; and after `close()`
   * @throws TypeError without a framing, or for a value that is not a message
   */
  receive(message: ReceivedMessage): boolean {
    const { framing, format, sampleRate, channels } = this.#options;
    if (framing === undefined) {
      throw new TypeError(
        'receive() needs the option framing: set it, or decode the message and call insert().',
      );
    }
    const read = messageOf(message);
    if (this.#closed) return false;
    this.#decoder ??= framing.createDecoder({ format, sampleRate, channels });
    return this.#decode(this.#decoder, read);
  }

  /**
   * Passes on the packets of every message of a transport, with a decoder of its own.
   * @throws TypeError or RangeError for a stream that the framing cannot carry
   */
  pipe(
    source: PipeSource,
    framing: ReceiveFraming,
    signal: PipeSignal | undefined,
  ): Promise<ReceivePipeResult> {
    const { format, sampleRate, channels } = this.#options;
    const decoder = framing.createDecoder({ format, sampleRate, channels });
    const done = this.#pipes.pipe(source, signal, (message) => this.#decode(decoder, message));
    if (this.#closed) this.#pipes.close();
    return done;
  }

  #decode(decoder: MessageDecoder, message: string | Uint8Array): boolean {
    let bad: PacketError | undefined;
    try {
      const packets = decoder.decode(message);
      for (const packet of listOf(packets)) checkPlace(packet);
      bad = this.#insert(packets);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      bad = error;
    }
    if (bad !== undefined) this.#badMessages++;
    return bad === undefined;
  }

  /** Number of messages that `receive` could not read, or that belonged to another stream. */
  get badMessages(): number {
    return this.#badMessages;
  }

  /** Number of packets that were not passed on because no decoder accepts them. */
  get decodeErrors(): number {
    return this.#decodeErrors;
  }

  /** @returns the error of a refused packet, if there is one */
  #insert(packets: ReceivedPackets): PacketError | undefined {
    let stranger: PacketError | undefined;
    if (!isList(packets)) {
      return this.#post(packets, 'redundant' in packets && packets.redundant === true ? 1 : 0);
    }
    // A message lists its own packet after the copies, but it must be known before them.
    let first = 0;
    for (let own = 0; own < packets.length; own++) {
      const packet = packets[own]!;
      if (packet.redundant === true && own < packets.length - 1) continue;
      for (let i = own; i >= first; i--) {
        const one = packets[i]!;
        const copy = one.redundant === true ? Math.max(1, packet.sequence - one.sequence) : 0;
        stranger = this.#post(one, copy) ?? stranger;
      }
      first = own + 1;
    }
    return stranger;
  }

  /** Takes a buffer back for reuse. */
  giveBack({ buffer }: Extract<ReceiveEvent, { readonly type: 'buffer' }>): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }

  close(): void {
    this.#closed = true;
    this.#pipes.close();
    this.#free.length = 0;
  }

  /**
   * @param copy 0 for the packet itself, otherwise how many packets later the copy arrived
   * @returns the error if it is refused
   */
  #post(packet: Packet | LazyPacket, copy: number): PacketError | undefined {
    const stranger = this.#mismatch(packet);
    if (stranger !== undefined) return stranger;
    const payload = payloadBytes(packet);
    const frames = this.#framesOf(packet, payload);
    if (frames < 0) {
      this.#decodeErrors++;
      return undefined;
    }
    const { sequence, frame } = packet;
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#bufferBytes);
    const bytes = new Uint8Array(buffer, 0, payload.length);
    bytes.set(payload);
    this.#options.send({ type: 'packet', sequence, frame, frames, copy, bytes }, [buffer]);
    return undefined;
  }

  /** Returns an error if the packet is not of this stream. */
  #mismatch(packet: Packet | LazyPacket): PacketError | undefined {
    const { format, sampleRate, channels } = this.#options;
    let text: string | undefined;
    if (packet.sampleRate !== sampleRate)
      text = `of ${sampleRate} Hz here, got ${describeOutside(packet.sampleRate)}`;
    else if (packet.format !== format) text = `${format} here, got ${describe(packet.format)}`;
    else if (packet.channels !== channels) {
      text = `of ${channels} channels here, got ${describeOutside(packet.channels)}`;
    }
    return text === undefined ? text : new PacketError('bad-field', `packets must be ${text}.`);
  }

  /** @returns the number of frames in the payload; −1 if no decoder accepts it, or it does not fit */
  #framesOf(packet: Packet | LazyPacket, payload: Uint8Array): number {
    const { maxPayloadBytes, maxPacketFrames, sampleRate, format } = this.#options;
    const { length } = payload;
    if (length > maxPayloadBytes) return -1;
    if (length === 0) return packet.frames === 0 ? 0 : -1;
    const { codec } = FORMATS[format];
    try {
      // The last packet of a run holds more frames than were captured, and says how many were.
      const frames =
        codec === undefined
          ? length / bytesPerFrame(this.#options)
          : packetFrames(codec, payload, sampleRate);
      return frames % 1 !== 0 || frames > maxPacketFrames ? -1 : frames;
    } catch (error) {
      if (error instanceof PacketError) return -1;
      throw error;
    }
  }
}

/** @throws TypeError for a value that no transport delivers */
function messageOf(message: ReceivedMessage): string | Uint8Array {
  if (typeof message === 'string') return message;
  if (ArrayBuffer.isView(message)) {
    return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  }
  // By its tag: it may come from another realm.
  if (Object.prototype.toString.call(message) === '[object ArrayBuffer]') {
    return new Uint8Array(message);
  }
  throw new TypeError(
    `message must be a string, an ArrayBuffer or a typed array, got ${describe(message)}.`,
  );
}

/**
 * A number outside the stream would move the buffer to where no packets arrive.
 * @throws TypeError or RangeError
 */
function checkPacket(packet: Packet | LazyPacket): void {
  checkObject('packets must be a packet or a list of packets', packet);
  integerIn('sequence', packet.sequence, 0, Number.MAX_SAFE_INTEGER);
  integerIn('frame', packet.frame, 0, Number.MAX_SAFE_INTEGER);
  // A chunk creates its bytes only when they are requested.
  if ('payload' in packet || !('bytes' in packet)) checkBytes('payload', packet.payload);
}

function listOf(packets: ReceivedPackets): readonly (Packet | LazyPacket)[] {
  return isList(packets) ? packets : [packets];
}

function isList(packets: ReceivedPackets): packets is readonly Packet[] {
  return Array.isArray(packets);
}

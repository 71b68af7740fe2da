import { OPUS_RATE, opusPacketFrames } from '../codec/opus-packet.ts';
import { bytesPerSample } from '../dsp/sample-format.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { payloadBytes } from '../framing/packet.ts';
import type { LazyPacket, Packet } from '../framing/packet.ts';
import type { ReceiveDelivery, ReceiveEvent } from '../messages.ts';
import type { ReceiveFormat } from './receive-format.ts';

/** What is said of a packet as it is handed over. */
export interface ReceiveInsertOptions {
  /**
   * Which redundant copy this is, as RED (RFC 2198) carries: 1, 2 or 3; it is used when the packet itself does not come. Give
   * the packet that carried it first. @default 0, the packet itself
   */
  readonly copy?: number;
}

export interface ReceiveFeedOptions extends ReceiveFormat {
  readonly maxPayloadBytes: number;
  /** Posts a delivery to the processor, with what is to be transferred. */
  readonly send: (delivery: ReceiveDelivery, transfer: ArrayBuffer[]) => void;
}

/** Buffers kept for later. */
const MAX_FREE = 64;

/** Hands packets to a receiver's processor, from whichever thread, in buffers that come back. */
export class ReceiveFeed {
  readonly #options: ReceiveFeedOptions;
  readonly #bufferBytes: number;
  /** Bytes of a frame; 0 for Opus. */
  readonly #frameBytes: number;
  readonly #free: ArrayBuffer[] = [];
  #closed = false;

  constructor(options: ReceiveFeedOptions) {
    const { format, channels, maxPayloadBytes } = options;
    this.#options = options;
    this.#bufferBytes = maxPayloadBytes;
    this.#frameBytes =
      format === 'opus' ? 0 : channels * bytesPerSample(format === 'l16' ? 's16' : format);
  }

  /**
   * Hands over one packet. Its payload is copied and stays yours.
   * @throws PacketError when it is none of the stream's format, or too long; MicwireError `'closed'`
   */
  insert(packet: Packet | LazyPacket, { copy = 0 }: ReceiveInsertOptions): void {
    if (this.#closed) throw new MicwireError('closed', 'The receiver is closed. Make another one.');
    const payload = payloadBytes(packet);
    const frames = this.#framesOf(packet, payload);
    const { sequence, frame } = packet;
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#bufferBytes);
    const bytes = new Uint8Array(buffer, 0, payload.length);
    bytes.set(payload);
    this.#options.send({ type: 'packet', sequence, frame, frames, copy, bytes }, [buffer]);
  }

  /** Takes a buffer back. */
  giveBack({ buffer }: Extract<ReceiveEvent, { readonly type: 'buffer' }>): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }

  close(): void {
    this.#closed = true;
    this.#free.length = 0;
  }

  #framesOf(packet: Packet | LazyPacket, payload: Uint8Array): number {
    const { format, sampleRate, channels, maxPayloadBytes } = this.#options;
    const { length } = payload;
    if (packet.sampleRate !== sampleRate) {
      throw new PacketError(
        'bad-field',
        `packets must be of ${sampleRate} Hz here, got ${packet.sampleRate}.`,
      );
    }
    if (packet.format !== format && !(format === 'l16' && packet.format === 's16')) {
      throw new PacketError('bad-field', `packets must be ${format} here, got ${packet.format}.`);
    }
    if (length > maxPayloadBytes) {
      throw new PacketError(
        'oversized',
        `a payload may have ${maxPayloadBytes} bytes here, got ${length}.`,
      );
    }
    // The last packet of a run says how much of it was captured, and holds more.
    if (this.#frameBytes === 0) return opusPacketFrames(payload) / (OPUS_RATE / sampleRate);
    if (packet.channels !== channels) {
      throw new PacketError(
        'bad-field',
        `packets must have ${channels} channels here, got ${packet.channels}.`,
      );
    }
    if (length === 0 || length % this.#frameBytes !== 0) {
      throw new PacketError(
        'truncated',
        `the payload must be whole frames of ${this.#frameBytes} bytes, got ${length} bytes.`,
      );
    }
    return length / this.#frameBytes;
  }
}

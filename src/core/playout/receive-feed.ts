import { OPUS_RATE, opusPacketFrames } from '../codec/opus-packet.ts';
import { bytesPerSample } from '../dsp/sample-format.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { payloadBytes } from '../framing/packet.ts';
import type { LazyPacket, Packet } from '../framing/packet.ts';
import type { ReceiveDelivery, ReceiveEvent } from '../messages.ts';
import type { ReceiveFormat } from './receive-format.ts';

/** What a receiver takes: a packet, or what a message decoded to. */
export type ReceivedPackets = Packet | LazyPacket | readonly Packet[];

export interface ReceiveFeedOptions extends ReceiveFormat {
  readonly maxPayloadBytes: number;
  readonly maxPacketFrames: number;
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
    this.#frameBytes = format === 'opus' ? 0 : channels * bytesPerSample(format);
  }

  /**
   * Hands over packets. Payloads are copied and stay yours.
   * @param packets one; or those of a message: redundant ones stand in for packets that do not come, and those without audio
   *   account for their numbers
   * @throws PacketError when one is not of the stream's format, or too long; MicwireError `'closed'`
   */
  insert(packets: ReceivedPackets): void {
    if (this.#closed) throw new MicwireError('closed', 'The receiver is closed. Make another one.');
    if (!isList(packets)) {
      this.#post(packets, 'redundant' in packets ? 1 : 0);
      return;
    }
    // A message's own packet comes behind its copies, and has to be known before them.
    let first = 0;
    for (let own = 0; own < packets.length; own++) {
      const packet = packets[own]!;
      if (packet.redundant === true && own < packets.length - 1) continue;
      for (let i = own; i >= first; i--) {
        const one = packets[i]!;
        this.#post(one, one.redundant === true ? Math.max(1, packet.sequence - one.sequence) : 0);
      }
      first = own + 1;
    }
  }

  /** Takes a buffer back. */
  giveBack({ buffer }: Extract<ReceiveEvent, { readonly type: 'buffer' }>): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }

  close(): void {
    this.#closed = true;
    this.#free.length = 0;
  }

  /** @param copy 0 for the packet itself, else how many packets later the copy came */
  #post(packet: Packet | LazyPacket, copy: number): void {
    const payload = payloadBytes(packet);
    const frames = this.#framesOf(packet, payload);
    const { maxPacketFrames } = this.#options;
    if (frames > maxPacketFrames) {
      throw new PacketError(
        'oversized',
        `a packet may have ${maxPacketFrames} frames here (maxPacketDuration), got ${frames}.`,
      );
    }
    const { sequence, frame } = packet;
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#bufferBytes);
    const bytes = new Uint8Array(buffer, 0, payload.length);
    bytes.set(payload);
    this.#options.send({ type: 'packet', sequence, frame, frames, copy, bytes }, [buffer]);
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
    if (packet.format !== format) {
      throw new PacketError('bad-field', `packets must be ${format} here, got ${packet.format}.`);
    }
    if (length > maxPayloadBytes) {
      throw new PacketError(
        'oversized',
        `a payload may have ${maxPayloadBytes} bytes here, got ${length}.`,
      );
    }
    if (packet.frames === 0 && length === 0) return 0;
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

function isList(packets: ReceivedPackets): packets is readonly Packet[] {
  return Array.isArray(packets);
}

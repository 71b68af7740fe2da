import { isSampleFormat, OpusLibrary, opusCodec, pcmCodec } from 'micwire/codec';
import { FRAMINGS, PacketError } from 'micwire';
import { isRtcp } from 'micwire/rtp';
import type {
  MessageDecoder,
  MessageEncoder,
  Packet,
  RtpMessageEncoder,
  StreamFormat,
} from 'micwire';
import type { PayloadDecoder } from 'micwire/codec';
import type { Chunk, PayloadFormat, ReceivedCapture, ReceiverPort } from 'micwire/worker';
import { Arrivals } from '../lanes/arrivals.ts';
import type { LaneEvent, LaneWorkerOptions } from '../lanes/lane-messages.ts';
import type { LaneCounts } from '../measure/metrics.ts';
import { AdaptiveProtection } from './adaptive-protection.ts';
import type { LaneWire } from './lane-wire.ts';
import { openWire } from './lane-wire.ts';
import { PacketLog } from './packet-log.ts';

/** Seconds of messages that may wait for the network before more are dropped. */
const MAX_WAITING_SECONDS = 0.5;
/** One packet in this many is decoded here too, to time it. */
const TIMED_SHARE = 8;

/** Sends packets as they are captured, and takes what comes back. */
export class LaneSession {
  lastMessage: string | Uint8Array | null = null;
  readonly #options: LaneWorkerOptions;
  readonly #tell: (event: LaneEvent) => void;
  readonly #wire: LaneWire;
  readonly #packer: Packer;
  readonly #unpacker: Unpacker;
  readonly #arrivals = new Arrivals(0);
  /** null until it has been handed over. */
  #receiver: ReceiverPort | null = null;
  readonly #log = new PacketLog();
  #open = false;
  #packetsSent = 0;
  #packetsDropped = 0;
  #copiesSent = 0;
  #payloadBytes = 0;
  #wireBytes = 0;
  /** The expected loss that the capture's encoder was given, in percent. */
  #expectedLossPercent = 0;

  /** @param tell called when the connection has changed, or the encoder needs a new setting */
  constructor(options: LaneWorkerOptions, tell: (event: LaneEvent) => void) {
    const { settings, sampleRate, format } = options;
    this.#options = options;
    this.#tell = tell;
    this.#packer = new Packer(options);
    this.#unpacker = new Unpacker(options);
    // Twice the audio's bytes, so that Base64 and headers fit too.
    const bytesPerSecond = isSampleFormat(format) ? sampleRate * 2 : settings.bitrate / 8 + 5000;
    this.#wire = openWire(options.wire, Math.ceil(2 * bytesPerSecond * MAX_WAITING_SECONDS));
    this.#wire.onmessage = (message) => this.#arrive(message);
    this.#wire.onstatus = ({ state, reason }) => {
      if (state === 'open' || state === 'congested') {
        this.#open = true;
        tell({ type: 'state', state: 'running', reason: '' });
      } else if (state === 'closed') {
        const ended = reason || 'The connection has ended.';
        tell({ type: 'state', state: 'failed', reason: ended });
      } else tell({ type: 'state', state: 'waiting', reason });
    };
  }

  /** What arrives is played there. */
  deliverTo(receiver: ReceiverPort): void {
    this.#receiver = receiver;
  }

  /** Sends the capture until it ends. Audio captured before the connection is up is not counted. */
  async send(capture: ReceivedCapture): Promise<void> {
    for await (const chunk of capture) {
      if (!this.#open) continue;
      const { message, payloadBytes, copies } = this.#packer.pack(chunk);
      // Only packets that leave get a number: a gap on arrival is then the network's.
      if (!this.#wire.send(message)) {
        this.#packetsDropped++;
        this.#packer.takeBack();
        continue;
      }
      this.lastMessage = message;
      this.#packetsSent++;
      this.#copiesSent += copies;
      this.#payloadBytes += payloadBytes;
      this.#wireBytes += this.#wire.bytesOnWire(message.length);
    }
  }

  get counts(): LaneCounts {
    const packetsSent = this.#packetsSent;
    const packetsDropped = this.#packetsDropped;
    const copiesSent = this.#copiesSent;
    const payloadBytes = this.#payloadBytes;
    const wireBytes = this.#wireBytes;
    const packer = this.#packer;
    const unpacker = this.#unpacker;
    return {
      packetsSent,
      packetsDropped,
      copiesSent,
      payloadBytes,
      wireBytes,
      packetsReceived: this.#arrivals.received,
      packetsLost: this.#arrivals.lost,
      encodeMs: packer.ms,
      encodedSeconds: packer.frames / this.#options.sampleRate,
      decodeMs: unpacker.ms,
      decodedSeconds: unpacker.frames / this.#options.sampleRate,
    };
  }

  /** A capture file of what has recently arrived; null where that is not RTP, or nothing has. */
  captureFile(): Uint8Array<ArrayBuffer> | null {
    const { format, sampleRate } = this.#options;
    return this.#log.file({ format, sampleRate, channels: 1 });
  }

  /** Takes a report of the receiver's. */
  #heed(report: Uint8Array): void {
    const expectedLossPercent =
      this.#packer.adaptive?.report(report)?.expectedLossPercent ?? this.#expectedLossPercent;
    if (expectedLossPercent === this.#expectedLossPercent) return;
    this.#expectedLossPercent = expectedLossPercent;
    this.#tell({ type: 'expect-loss', expectedLossPercent });
  }

  #arrive(message: string | Uint8Array): void {
    if (this.#options.framing === 'rtp' && typeof message !== 'string') {
      if (isRtcp(message)) return this.#heed(message);
      this.#log.add(message);
    }
    const packets = this.#unpacker.unpack(message);
    // All at once: a copy counts only where the packet that carried it is known.
    this.#receiver?.insert(packets);
    for (const packet of packets) {
      if (packet.redundant !== true) this.#arrivals.add(packet.sequence);
      const report = this.#packer.adaptive?.packet(packet) ?? null;
      if (report !== null && this.#wire.sendBack(report)) {
        this.#wireBytes += this.#wire.bytesOnWire(report.length);
      }
    }
  }
}

/** A message, and what is in it. */
interface Packed {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly payloadBytes: number;
  /** Of earlier packets. */
  readonly copies: number;
}

/** Puts packets into messages, and times it. */
class Packer {
  /** Spent so far. */
  ms = 0;
  /** Of audio so far. */
  frames = 0;
  /** Where reports decide. */
  readonly adaptive: AdaptiveProtection | null;
  readonly #encoder: MessageEncoder;
  /** The same, where it makes copies. */
  readonly #copying: RtpMessageEncoder | null;
  #sequence = 0;

  constructor(options: LaneWorkerOptions) {
    const { sampleRate, format, framing, protection } = options;
    const stream: StreamFormat = { format, sampleRate, channels: 1 };
    this.#copying = framing === 'rtp' ? FRAMINGS.rtp.createEncoder(stream) : null;
    this.#encoder = this.#copying ?? FRAMINGS[framing].createEncoder(stream);
    const adapts = this.#copying !== null && typeof protection !== 'number';
    this.adaptive = adapts ? new AdaptiveProtection(this.#copying, options) : null;
    if (this.#copying !== null && typeof protection === 'number') {
      this.#copying.redundancy = protection;
    }
  }

  pack(chunk: Chunk<PayloadFormat>): Packed {
    const start = performance.now();
    const { frame, frames, timestamp, dropped, format, sampleRate, channels } = chunk;
    const payload = chunk.bytes;
    const message = this.#encoder.encode({
      // Not the capture's number: it also numbers packets that do not leave.
      sequence: this.#sequence++,
      frame,
      frames,
      timestamp,
      dropped,
      format,
      sampleRate,
      channels,
      payload,
    });
    this.ms += performance.now() - start;
    this.frames += frames;
    return {
      // Our framings make messages in memory of their own, never shared.
      message: message as string | Uint8Array<ArrayBuffer>,
      payloadBytes: payload.length,
      copies: this.#copying?.redundancy ?? 0,
    };
  }

  /** The last message did not leave: the next one takes its number. */
  takeBack(): void {
    this.#sequence--;
  }
}

/** Turns messages into packets, and times it, and what decoding them takes. */
class Unpacker {
  ms = 0;
  frames = 0;
  readonly #decoder: MessageDecoder;
  readonly #codec: PayloadDecoder;
  readonly #output: readonly [Float32Array];
  #packets = 0;

  constructor(options: LaneWorkerOptions) {
    const { sampleRate, opus, framing, format } = options;
    this.#decoder = FRAMINGS[framing].createDecoder({ format, sampleRate, channels: 1 });
    this.#codec =
      opus === null
        ? pcmCodec.createDecoder({ format: 's16', sampleRate, channels: 1 })
        : opusCodec(new OpusLibrary(opus)).createDecoder({
            format: 'opus',
            sampleRate,
            channels: 1,
          });
    this.#output = [new Float32Array(sampleRate)];
  }

  /** Empty for anything but a packet. */
  unpack(message: string | Uint8Array): readonly Packet[] {
    const start = performance.now();
    try {
      const packets = this.#decoder.decode(message);
      this.ms += performance.now() - start;
      const packet = packets.at(-1);
      if (packet !== undefined) this.#time(packet);
      return packets;
    } catch (error) {
      if (error instanceof PacketError) return [];
      throw error;
    }
  }

  #time({ payload, frames }: Packet): void {
    this.frames += frames;
    if (this.#packets++ % TIMED_SHARE !== 0) return;
    const start = performance.now();
    this.#codec.decode(payload, 0, payload.length, this.#output, 0);
    this.ms += TIMED_SHARE * (performance.now() - start);
  }
}

import {
  FRAMINGS,
  OpusEncoder,
  OpusLibrary,
  PacketError,
  SampleDecoder,
  isRtcp,
  isSampleFormat,
  opusCodec,
  pcmCodec,
} from 'micwire/core';
import type {
  MessageDecoder,
  MessageEncoder,
  Packet,
  PayloadDecoder,
  RtpMessageEncoder,
  StreamFormat,
} from 'micwire/core';
import type { Chunk, PayloadFormat, ReceivedCapture, ReceiverPort } from 'micwire/worker';
import { Arrivals } from '../lanes/arrivals.ts';
import type { LaneWorkerOptions } from '../lanes/lane-messages.ts';
import type { LaneCounts } from '../measure/metrics.ts';
import type { LaneState } from '../lanes/lane-settings.ts';
import { AdaptiveCopies } from './adaptive-copies.ts';
import type { LaneWire } from './lane-wire.ts';
import { openWire } from './lane-wire.ts';
import { PacketLog } from './packet-log.ts';

/** Encoded once before the first packet that counts, so that the engine has compiled the encoder. */
const WARM_UP_PACKETS = 25;
/** Seconds of messages that may wait for the network before more are dropped. */
const MAX_WAITING_SECONDS = 0.5;
/** One packet of so many is decoded here too, to time it. */
const TIMED_SHARE = 8;

/** Makes packets of what is captured, sends them, and takes what comes back. */
export class LaneSession {
  lastMessage: string | Uint8Array | null = null;
  private readonly options: LaneWorkerOptions;
  private readonly wire: LaneWire;
  private readonly packer: Packer;
  private readonly unpacker: Unpacker;
  private readonly arrivals = new Arrivals(0);
  /** null until it has been handed over. */
  private receiver: ReceiverPort | null = null;
  private readonly log = new PacketLog();
  private open = false;
  private packetsSent = 0;
  private packetsDropped = 0;
  private copiesSent = 0;
  private payloadBytes = 0;
  private wireBytes = 0;

  /** @param tell called when the connection has changed */
  constructor(options: LaneWorkerOptions, tell: (state: LaneState, reason: string) => void) {
    const { settings, sampleRate, format } = options;
    this.options = options;
    this.packer = new Packer(options);
    this.unpacker = new Unpacker(options);
    // What the sound takes, twice, so that Base64 and headers fit too.
    const bytesPerSecond = isSampleFormat(format) ? sampleRate * 2 : settings.bitrate / 8 + 5000;
    this.wire = openWire(options.wire, Math.ceil(2 * bytesPerSecond * MAX_WAITING_SECONDS));
    this.wire.onmessage = (message) => this.arrive(message);
    this.wire.onstatus = ({ state, reason }) => {
      if (state === 'open' || state === 'congested') {
        this.open = true;
        tell('running', '');
      } else if (state === 'closed') tell('failed', reason || 'The connection has ended.');
      else tell('waiting', reason);
    };
  }

  /** What arrives is played there. */
  deliverTo(receiver: ReceiverPort): void {
    this.receiver = receiver;
  }

  /** Sends the capture until it ends. What is captured before the connection is there is not counted. */
  async send(capture: ReceivedCapture): Promise<void> {
    for await (const chunk of capture) {
      if (!this.open) continue;
      const packed = this.packer.pack(chunk);
      if (packed === null) continue;
      const { message, payloadBytes, copies } = packed;
      // A number is given only to what leaves: a gap on arrival is then the network's.
      if (!this.wire.send(message)) {
        this.packetsDropped++;
        this.packer.takeBack();
        continue;
      }
      this.lastMessage = message;
      this.packetsSent++;
      this.copiesSent += copies;
      this.payloadBytes += payloadBytes;
      this.wireBytes += this.wire.bytesOnWire(message.length);
    }
  }

  get counts(): LaneCounts {
    const { packetsSent, packetsDropped, copiesSent, payloadBytes, wireBytes, packer, unpacker } =
      this;
    return {
      packetsSent,
      packetsDropped,
      copiesSent,
      payloadBytes,
      wireBytes,
      packetsReceived: this.arrivals.received,
      packetsLost: this.arrivals.lost,
      encodeMs: packer.ms,
      encodedSeconds: packer.frames / this.options.sampleRate,
      decodeMs: unpacker.ms,
      decodedSeconds: unpacker.frames / this.options.sampleRate,
    };
  }

  /** A capture file of what has arrived lately; null where that is not RTP, or nothing has. */
  captureFile(): Uint8Array<ArrayBuffer> | null {
    const { format, sampleRate } = this.options;
    return this.log.file({ format, sampleRate, channels: 1 });
  }

  private arrive(message: string | Uint8Array): void {
    if (this.options.framing === 'rtp' && typeof message !== 'string') {
      if (isRtcp(message)) return this.packer.heed(message);
      this.log.add(message);
    }
    const packets = this.unpacker.unpack(message);
    // All at once: a copy counts only where the packet that brought it is known.
    this.receiver?.insert(packets);
    for (const packet of packets) {
      if (packet.redundant !== true) this.arrivals.add(packet.sequence);
      const report = this.packer.adaptive?.packet(packet) ?? null;
      if (report !== null && this.wire.sendBack(report)) {
        this.wireBytes += this.wire.bytesOnWire(report.length);
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

/** Turns chunks into messages, and times it. */
class Packer {
  /** Spent so far. */
  ms = 0;
  /** Of sound so far. */
  frames = 0;
  /** Where copies adapt. */
  readonly adaptive: AdaptiveCopies | null;
  private readonly options: LaneWorkerOptions;
  private readonly encoder: MessageEncoder;
  /** The same, where it makes copies. */
  private readonly copying: RtpMessageEncoder | null;
  private readonly opus: OpusEncoder | null;
  private readonly samples: SampleDecoder;
  private readonly input: readonly [Float32Array];
  private readonly packet: Uint8Array<ArrayBuffer>;
  private sequence = 0;
  /** What the encoder of Opus was told. */
  private expectedLoss = 0;

  constructor(options: LaneWorkerOptions) {
    const { sampleRate, format, settings, framing, copies, opus } = options;
    this.options = options;
    const stream: StreamFormat = { format, sampleRate, channels: 1 };
    this.copying = framing === 'rtp' ? FRAMINGS.rtp.createEncoder(stream) : null;
    this.encoder = this.copying ?? FRAMINGS[framing].createEncoder(stream);
    const adapts = this.copying !== null && copies === 'adaptive';
    this.adaptive = adapts ? new AdaptiveCopies(this.copying, options) : null;
    if (this.copying !== null && copies !== 'adaptive') this.copying.redundancy = copies;
    this.samples = new SampleDecoder({ format: 'f32', channels: 1 });
    this.opus =
      opus === null
        ? null
        : new OpusEncoder(new OpusLibrary(opus), {
            sampleRate,
            channels: 1,
            frameDuration: settings.frameDuration as 20,
            bitrate: settings.bitrate,
            complexity: settings.complexity,
            // It costs nothing while no loss is expected.
            fec: this.adaptive !== null,
            expectedLoss: 0,
          });
    this.opus?.warmUp(WARM_UP_PACKETS);
    this.input = [new Float32Array(this.opus?.packetFrames ?? 0)];
    this.packet = new Uint8Array(this.opus?.maxBytes() ?? 0);
  }

  /** @returns null for what is no whole packet: the end of the capture */
  pack(chunk: Chunk<PayloadFormat>): Packed | null {
    const { opus, options } = this;
    const start = performance.now();
    let payload: Uint8Array = chunk.bytes;
    if (opus !== null) {
      if (chunk.frames !== opus.packetFrames) return null;
      this.samples.decode(chunk.bytes, 0, chunk.frames, this.input, 0);
      const length = opus.encode(this.input, 0, chunk.frames, this.packet, 0);
      payload = this.packet.subarray(0, length);
    }
    const message = this.encoder.encode({
      sequence: this.sequence++,
      frame: chunk.frame,
      frames: chunk.frames,
      timestamp: chunk.timestamp,
      dropped: chunk.dropped,
      format: options.format,
      sampleRate: options.sampleRate,
      channels: 1,
      payload,
    });
    this.ms += performance.now() - start;
    this.frames += chunk.frames;
    return {
      // Our framings make messages in memory of their own, never shared.
      message: message as string | Uint8Array<ArrayBuffer>,
      payloadBytes: payload.length,
      copies: this.copying?.redundancy ?? 0,
    };
  }

  /** Takes a report of the receiver's. */
  heed(report: Uint8Array): void {
    const settings = this.adaptive?.report(report) ?? null;
    if (settings === null || settings.expectedLoss === this.expectedLoss) return;
    this.expectedLoss = settings.expectedLoss;
    this.opus?.adjust({ expectedLoss: settings.expectedLoss });
  }

  /** The last message did not leave: the next one takes its number. */
  takeBack(): void {
    this.sequence--;
  }
}

/** Turns messages into packets, and times it, and what decoding them takes. */
class Unpacker {
  ms = 0;
  frames = 0;
  private readonly decoder: MessageDecoder;
  private readonly codec: PayloadDecoder;
  private readonly output: readonly [Float32Array];
  private packets = 0;

  constructor(options: LaneWorkerOptions) {
    const { sampleRate, opus, framing, format } = options;
    this.decoder = FRAMINGS[framing].createDecoder({ format, sampleRate, channels: 1 });
    this.codec =
      opus === null
        ? pcmCodec.createDecoder({ format: 's16', sampleRate, channels: 1 })
        : opusCodec(new OpusLibrary(opus)).createDecoder({
            format: 'opus',
            sampleRate,
            channels: 1,
          });
    this.output = [new Float32Array(sampleRate)];
  }

  /** None for what is no packet. */
  unpack(message: string | Uint8Array): readonly Packet[] {
    const start = performance.now();
    try {
      const packets = this.decoder.decode(message);
      this.ms += performance.now() - start;
      const packet = packets.at(-1);
      if (packet !== undefined) this.time(packet);
      return packets;
    } catch (error) {
      if (error instanceof PacketError) return [];
      throw error;
    }
  }

  private time({ payload, frames }: Packet): void {
    this.frames += frames;
    if (this.packets++ % TIMED_SHARE !== 0) return;
    const start = performance.now();
    this.codec.decode(payload, 0, payload.length, this.output, 0);
    this.ms += TIMED_SHARE * (performance.now() - start);
  }
}

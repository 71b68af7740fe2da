import type { PayloadDecoder } from '../../src/core/codec/codec.ts';
import { pcmCodec } from '../../src/core/codec/pcm-codec.ts';
import type { SampleFormat } from '../../src/core/format/formats.ts';
import type {
  ReceiveCommand,
  ReceiveEvent,
  ReceiveLimits,
  MessagePortLike,
} from '../../src/core/messages.ts';
import { readStatistics, REPORT, REPORT_FIELDS } from '../../src/core/receive/receive-report.ts';
import type { ReceiveStatistics } from '../../src/core/receive/receive-report.ts';
import { ReceiveEngine } from '../../src/core/receive/receive-engine.ts';
import { planVariableResampler } from '../../src/core/resampler/variable-resampler-planner.ts';

export interface ReceiveRigOptions {
  /** @default 's16' */
  readonly format?: SampleFormat;
  /** In place of the format's: then packets are taken for Opus. */
  readonly opus?: PayloadDecoder;
  /** @default 1 */
  readonly channels?: number;
  /** @default 48000 */
  readonly sampleRate?: number;
  /** @default `sampleRate` */
  readonly contextRate?: number;
  /** Of packets. @default 20 ms */
  readonly packetFrames?: number;
  readonly limits?: Partial<ReceiveLimits>;
  readonly outputChannels?: number;
  /** False forgets what was rendered: it may run for hours. @default true */
  readonly keep?: boolean;
}

/** A receive engine with what it told and what it rendered. Time is the frames it has rendered. */
export class ReceiveRig {
  readonly engine: ReceiveEngine;
  readonly sampleRate: number;
  readonly contextRate: number;
  readonly packetFrames: number;
  readonly channels: number;
  readonly states: string[] = [];
  /** Buffers that came back. */
  returned = 0;
  closed = false;
  /** The last report. */
  values: Float64Array = new Float64Array(100);
  /** Frames rendered. */
  frame = 0;
  readonly #outputChannels: number;
  readonly #format: SampleFormat;
  readonly #rendered: number[][];
  readonly #keep: boolean;

  constructor(options: ReceiveRigOptions = {}) {
    const { format = 's16', channels = 1, sampleRate = 48_000, opus } = options;
    const { contextRate = sampleRate, packetFrames = sampleRate / 50 } = options;
    this.sampleRate = sampleRate;
    this.contextRate = contextRate;
    this.packetFrames = packetFrames;
    this.channels = channels;
    this.#format = format;
    this.#keep = options.keep ?? true;
    this.#outputChannels = options.outputChannels ?? channels;
    this.#rendered = Array.from({ length: this.#outputChannels }, () => []);
    const port: MessagePortLike = {
      postMessage: (message) => this.#hear(message as ReceiveEvent),
      addEventListener: () => {},
      start: () => {},
      close: () => {},
    };
    this.engine = new ReceiveEngine(
      {
        format: opus ? 'opus' : format,
        sampleRate,
        channels,
        outputChannels: this.#outputChannels,
        resampler: planVariableResampler({ inputRate: sampleRate, outputRate: contextRate }),
        limits: { minDelayMs: 0, maxDelayMs: 1000, latencyCost: null, ...options.limits },
        capacityPackets: 256,
        maxPayloadBytes: 8192,
        maxPacketFrames: 3 * packetFrames,
        opus: null,
        snapshot: null,
      },
      opus ?? pcmCodec.createDecoder({ format, sampleRate, channels }),
      contextRate,
      port,
    );
  }

  /** The payload of one packet of `signals`. */
  encode(signals: readonly Float32Array[], sequence: number): Uint8Array<ArrayBuffer> {
    const { sampleRate, channels, packetFrames } = this;
    const encoder = pcmCodec.createEncoder({ format: this.#format, sampleRate, channels });
    const bytes = new Uint8Array(encoder.maxBytes(packetFrames));
    encoder.encode(signals, sequence * packetFrames, packetFrames, bytes, 0);
    return bytes;
  }

  /** A packet arrives now. @param copy which redundant copy */
  insert(sequence: number, payload: Uint8Array<ArrayBuffer>, copy = 0): void {
    this.tell({
      type: 'packet',
      sequence,
      frame: sequence * this.packetFrames,
      frames: this.packetFrames,
      copy,
      bytes: payload.slice(),
    });
  }

  tell(command: ReceiveCommand): void {
    this.engine.obey(command, this.frame);
  }

  /** Renders one quantum. */
  render(quantum = 128): void {
    const output = this.#rendered.map(() => new Float32Array(quantum).fill(Number.NaN));
    this.engine.render(output, this.frame);
    if (this.#keep)
      output.forEach((samples, c) => {
        for (const sample of samples) this.#rendered[c]!.push(sample);
      });
    this.frame += quantum;
  }

  /**
   * Renders until `seconds` have passed, packets arriving on their way: those whose time has come.
   * @param arrival when packet `sequence` arrives, in seconds; negative: never
   * @param payload what it holds
   */
  run(
    seconds: number,
    arrival: (sequence: number) => number,
    payload: (sequence: number) => Uint8Array<ArrayBuffer>,
    onQuantum: () => void = () => {},
  ): void {
    const packets = Math.ceil((seconds * this.sampleRate) / this.packetFrames);
    const due = Array.from({ length: packets }, (_, sequence) => ({
      sequence,
      at: arrival(sequence),
    }))
      .filter(({ at }) => at >= 0)
      .toSorted((a, b) => a.at - b.at);
    let next = 0;
    while (this.frame < seconds * this.contextRate) {
      for (; next < due.length && due[next]!.at * this.contextRate <= this.frame; next++) {
        const { sequence } = due[next]!;
        this.insert(sequence, payload(sequence));
      }
      this.render();
      onQuantum();
    }
  }

  /** What was rendered so far. */
  rendered(channel = 0): Float32Array {
    return Float32Array.from(this.#rendered[channel]!);
  }

  get stats(): ReceiveStatistics {
    return readStatistics(this.values.subarray(REPORT_FIELDS.length));
  }

  report(field: keyof typeof REPORT): number {
    return this.values[REPORT[field]]!;
  }

  #hear(event: ReceiveEvent): void {
    if (event.type === 'report') this.values = event.values;
    else if (event.type === 'state') this.states.push(event.state);
    else if (event.type === 'buffer') this.returned++;
    else this.closed = true;
  }
}

import { HEADER_BYTES, longestPayload } from '../../src/core/capture/chunk.ts';
import type { ChunkEncoding, ChunkOptions } from '../../src/core/capture/chunk.ts';
import { SOURCE_FIELDS } from '../../src/core/align/mixer-report.ts';
import { meterModule } from '../../src/core/metering/meter-module.ts';
import { METER_NAMES, createMeterReading } from '../../src/core/metering/meter-table.ts';
import type { ResamplerQuality } from '../../src/core/resampler/resampler-plan.ts';
import { pcmCodec } from '../../src/core/codec/pcm-codec.ts';
import type { PayloadFormat, SampleFormat } from '../../src/core/format/formats.ts';
import { planVariableResampler } from '../../src/core/resampler/variable-resampler-planner.ts';
import { planResampler } from '../../src/core/resampler/resampler-planner.ts';
import { RingBuffer, allocateRing } from '../../src/core/dsp/ring-buffer.ts';
import { MISSING, PAUSED, PAUSED_MISSING, PRESENT } from '../../src/core/microphone/presence.ts';
import { bytesPerSample } from '../../src/core/format/formats.ts';
import type { Dither } from '../../src/core/format/sample-format.ts';
import type {
  CaptureProcessorOptions,
  MeterProcessorOptions,
  MicrophoneProcessorOptions,
  MixerProcessorOptions,
  PlayoutProcessorOptions,
  ReceiveProcessorOptions,
} from '../../src/core/messages.ts';
import { allocateSnapshot } from '../../src/core/snapshot.ts';
import type { NodeOptions } from '../../src/testing/index.ts';
import type { WorkletName } from '../../src/web/worklet-file.ts';
import { seededRandom } from './random.ts';

/** Hands a command to the processor at once. */
type Send = (command: unknown) => void;

/** A case that is about to run. Its functions must not allocate once they have warmed up; commands are reused objects. */
export interface OpenCase {
  readonly options: NodeOptions;
  /** Called once, before the first quantum. */
  readonly start?: (send: Send) => void;
  /** Called before each quantum, counted from 0. */
  readonly beforeQuantum?: (index: number, send: Send) => void;
  /** Called with each message that the processor posts, in place of the thread edge. Not the place for commands. */
  readonly onPost?: (message: unknown) => void;
}

/** One configuration of one processor: for the allocation gate, the worst-quantum bench and the tests that run over all. */
export interface ProcessorCase {
  /** Unique. */
  readonly name: string;
  readonly worklet: WorkletName;
  /** The name that the worklet registers. */
  readonly processor: string;
  /** @default 48000 */
  readonly sampleRate?: number;
  /** @default 128 */
  readonly quantum?: number;
  /** Channels of the input in each quantum; the list repeats. 0 is an input to which nothing is connected. @default [1] */
  readonly inputChannels?: readonly number[];
  /** Inputs that bring the signal. @default 1 */
  readonly inputs?: number;
  /** Presence of the audio in each quantum, by a second input; the list repeats. */
  readonly presence?: readonly number[];
  /**
   * Messages are worked on between quanta, which may box a number where the compiler does not inline: only what `process()`
   * itself allocates counts. @default false
   */
  readonly worksBetween?: boolean;
  readonly open: () => OpenCase;
}

type Variation = Pick<ProcessorCase, 'sampleRate' | 'quantum' | 'inputChannels'>;

interface MeterCase extends Variation {
  readonly channels: number;
  /** Readings go to shared memory, not by message. @default true */
  readonly shared?: boolean;
  /** Not the WebAssembly kernel. @default false */
  readonly typescript?: boolean;
}

function meter(name: string, kase: MeterCase): ProcessorCase {
  const { channels, shared = true, typescript = false, ...variation } = kase;
  const { values } = createMeterReading(METER_NAMES, channels);
  return {
    name: `meter, ${name}`,
    worklet: 'meter',
    processor: 'micwire-meter',
    inputChannels: [channels],
    open: () => {
      const snapshot = shared ? allocateSnapshot(values.length) : null;
      const processorOptions: MeterProcessorOptions = {
        channels,
        meters: METER_NAMES,
        settings: {},
        ...(!typescript && { wasm: meterModule() }),
        snapshot,
      };
      return { options: { outputChannelCount: [1], processorOptions } };
    },
    ...variation,
  };
}

interface CaptureCase extends Variation {
  readonly to: number;
  readonly channels?: number;
  readonly format?: SampleFormat;
  readonly encoding?: ChunkEncoding;
  readonly dither?: Dither;
  readonly quality?: ResamplerQuality;
  /** Not the WebAssembly kernel. @default false */
  readonly typescript?: boolean;
  readonly chunkDurationMs?: number;
  readonly ring?: boolean;
  /** Whether somebody takes the chunks. @default true */
  readonly reader?: boolean;
  /** As in `ProcessorCase`. */
  readonly presence?: readonly number[];
  readonly preRollMs?: number;
}

function capture(name: string, kase: CaptureCase): ProcessorCase {
  const { sampleRate = 48000, quantum = 128, reader = true, chunkDurationMs = 20 } = kase;
  const { format = 's16', channels = 1, encoding = 'binary' } = kase;
  const chunks: ChunkOptions<SampleFormat> = {
    stream: { sampleRate: kase.to, channels, format },
    encoding,
  };
  const slots = 20;
  return {
    name: `capture, ${name}`,
    worklet: 'capture',
    processor: 'micwire-capture',
    sampleRate,
    quantum,
    inputChannels: kase.inputChannels ?? [channels],
    ...(kase.presence && { presence: kase.presence }),
    open: () => {
      const payloadBytes = longestPayload(chunks, chunkDurationMs);
      const ring = kase.ring === true ? allocateRing(slots, HEADER_BYTES + payloadBytes) : null;
      const { quality = 'hq' } = kase;
      const execution = kase.typescript === true ? 'typescript' : 'wasm';
      const processorOptions: CaptureProcessorOptions = {
        ...chunks,
        dither: kase.dither ?? 'none',
        chunkDurationMs,
        payloadBytes,
        slots,
        resampler:
          kase.to === sampleRate
            ? null
            : planResampler({ inputRate: sampleRate, outputRate: kase.to, quality, execution }),
        ring,
        preRollFrames: Math.round(((kase.preRollMs ?? 0) * sampleRate) / 1000),
      };
      const numberOfInputs = kase.presence ? 2 : 1;
      const options = { numberOfInputs, outputChannelCount: [1], processorOptions };
      if (!reader) return { options };
      return { options, ...(ring ? ringReader(ring) : poolReader(slots)) };
    },
  };
}

/** Sends buffers of the pool back before the quantum that follows. */
export function poolReader(slots: number): Omit<OpenCase, 'options'> {
  type Parcel = { readonly type: string; readonly header: unknown; readonly bytes: unknown };
  const commands = Array.from({ length: slots }, () => ({
    type: 'recycle',
    header: undefined as unknown,
    bytes: undefined as unknown,
  }));
  let waiting = 0;
  return {
    onPost: (message) => {
      const { type, header, bytes } = message as Parcel;
      if (type !== 'chunk') return;
      const command = commands[waiting++]!;
      command.header = header;
      command.bytes = bytes;
    },
    beforeQuantum: (_, send) => {
      while (waiting > 0) send(commands[--waiting]!);
    },
  };
}

export function ringReader(memory: SharedArrayBuffer): Omit<OpenCase, 'options'> {
  const ring = new RingBuffer(memory);
  return {
    beforeQuantum: () => {
      while (ring.readable() >= 0) ring.release();
    },
  };
}

interface MicrophoneCase extends Variation {
  readonly channels?: number;
  /** Whether devices and modes change all the time. @default true */
  readonly eventful?: boolean;
}

function microphone(name: string, kase: MicrophoneCase): ProcessorCase {
  const { channels = 1, quantum = 128, eventful = true, ...variation } = kase;
  const fadeFrames = 3 * quantum;
  const take = { type: 'take', input: 0, request: 0, patienceFrames: 10 * quantum, fadeFrames };
  const mute = { type: 'mute', on: false, fadeFrames };
  const hold = { type: 'hold', held: false as boolean | null };
  const lose = { type: 'lose' };
  const ask = { type: 'ask' };
  return {
    name: `microphone, ${name}`,
    worklet: 'microphone',
    processor: 'micwire-microphone',
    quantum,
    inputChannels: [channels],
    inputs: 2,
    ...variation,
    open: () => {
      const processorOptions: MicrophoneProcessorOptions = {
        channels,
        silenceFrames: 5 * quantum,
        held: null,
      };
      let request = 0;
      return {
        options: {
          numberOfInputs: 2,
          numberOfOutputs: 3,
          outputChannelCount: [channels, channels, 1],
          processorOptions,
        },
        beforeQuantum: (index, send) => {
          const step = index % 64;
          if (step === 0 && (eventful || index === 0)) {
            take.input = request & 1;
            take.request = request++;
            send(take);
          }
          if (!eventful) return;
          if (step === 20) send(lose);
          if (step === 30) {
            take.request = request;
            send(take);
          }
          if (step === 5 || step === 15) {
            mute.on = step === 5;
            send(mute);
          }
          if (step === 35 || step === 45 || step === 55) {
            hold.held = step === 35 ? false : step === 45 ? true : null;
            send(hold);
          }
          if (step === 40) send(ask);
        },
      };
    },
  };
}

interface PlayoutCase extends Variation {
  readonly from: number;
  readonly channels?: number;
  readonly format?: SampleFormat;
  readonly backlog?: PlayoutProcessorOptions['backlog'];
  readonly outputChannels?: number;
  /** Quanta from one arrival to the next; what the time is worth arrives at once. 0: nothing ever does. @default 8 */
  readonly everyQuanta?: number;
  /** Faster or slower than real time. @default 1 */
  readonly speed?: number;
  /** Marks with each arrival. @default 0 */
  readonly marks?: number;
  /** A Worker writes, not the page. @default false */
  readonly piped?: boolean;
  /** It is paused for three of eight arrivals. @default false */
  readonly pauses?: boolean;
}

function playout(name: string, kase: PlayoutCase): ProcessorCase {
  const { sampleRate = 48000, quantum = 128, everyQuanta = 8, speed = 1, from } = kase;
  const { channels = 1, format = 's16', marks = 0 } = kase;
  return {
    name: `playout, ${name}`,
    worklet: 'playout',
    processor: 'micwire-playout',
    sampleRate,
    quantum,
    inputChannels: [],
    worksBetween: marks > 0 || kase.pauses === true,
    open: () => {
      const outputChannels = kase.outputChannels ?? channels;
      const processorOptions: PlayoutProcessorOptions = {
        format,
        channels,
        sampleRate: from,
        outputChannels,
        resampler:
          from === sampleRate ? null : planResampler({ inputRate: from, outputRate: sampleRate }),
        targetFrames: Math.round(from * 0.06),
        backlog: kase.backlog ?? 'keep',
        capacityFrames: from * 4,
      };
      const options = {
        numberOfInputs: 0,
        outputChannelCount: [outputChannels],
        processorOptions,
      };
      if (everyQuanta === 0) return { options };
      const frames = Math.round((everyQuanta * quantum * from * speed) / sampleRate);
      const bytes = encodedNoise(frames * channels * bytesPerSample(format), format);
      const write = { type: 'write', item: 0, bytes };
      const pause = { type: 'pause', fadeFrames: 240 };
      const resume = { type: 'resume' };
      // Within the audio that comes next, in any order.
      const list = Array.from({ length: marks }, (_, i) => {
        const at = Math.floor((i * 7 * frames) / marks) % frames;
        return { type: 'mark', item: 0, frames: 0, name: 'a', at };
      });
      let written = 0;
      const event = { data: {} };
      let hear = (_event: typeof event): void => {};
      const port = {
        postMessage: () => {},
        addEventListener: (_type: string, listener: typeof hear) => void (hear = listener),
        start: () => {},
      };
      const tell = (command: object): void => {
        event.data = command;
        hear(event);
      };
      return {
        options,
        start: (send) => {
          if (kase.piped === true) send({ type: 'pipe', port });
        },
        beforeQuantum: (index, send) => {
          if (index % everyQuanta !== 0) return;
          const put = kase.piped === true ? tell : send;
          for (const mark of list) {
            mark.frames = written + mark.at;
            put(mark);
          }
          put(write);
          written += frames;
          if (kase.pauses !== true) return;
          const arrival = (index / everyQuanta) % 8;
          if (arrival === 3) send(pause);
          else if (arrival === 6) send(resume);
        },
      };
    },
  };
}

function encodedNoise(byteLength: number, format: SampleFormat): Uint8Array {
  const random = seededRandom(byteLength);
  if (format === 'f32') {
    return new Uint8Array(
      Float32Array.from({ length: byteLength / 4 }, () => random() - 0.5).buffer,
    );
  }
  return Uint8Array.from({ length: byteLength }, () => Math.floor(random() * 256));
}

interface ReceiveCase extends Variation {
  readonly from: number;
  readonly channels?: number;
  readonly format?: SampleFormat;
  readonly outputChannels?: number;
  /** One in so many packets is lost; 0: none. @default 0 */
  readonly lost?: number;
  /** Quanta by which each second batch of 50 packets comes later: to play slower and faster all the time. @default 0 */
  readonly later?: number;
}

function receive(name: string, kase: ReceiveCase): ProcessorCase {
  const { sampleRate = 48000, quantum = 128, from, channels = 1, format = 's16' } = kase;
  return {
    name: `receive, ${name}`,
    worklet: 'receive',
    processor: 'micwire-receive',
    sampleRate,
    quantum,
    inputChannels: [],
    worksBetween: true,
    open: () => {
      const frames = from / 50;
      const encoder = pcmCodec.createEncoder({ format, sampleRate: from, channels });
      const payloads = Array.from({ length: 50 }, (_, i) => {
        const bytes = new Uint8Array(encoder.maxBytes(frames));
        encoder.encode(toneChannels(from, channels, i * frames, frames), 0, frames, bytes, 0);
        return bytes;
      });
      return {
        options: receiveOptions({
          format,
          sampleRate: from,
          channels,
          outputChannels: kase.outputChannels ?? channels,
          contextRate: sampleRate,
          opus: null,
        }),
        ...packetSender(kase, payloads, frames),
      };
    },
  };
}

/** The node's options for a receiver of packets of up to 20 ms. */
export function receiveOptions(options: {
  readonly format: PayloadFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly outputChannels: number;
  readonly contextRate: number;
  readonly opus: object | null;
}): NodeOptions {
  const { contextRate, ...format } = options;
  const maxPacketFrames = options.sampleRate / 50;
  const processorOptions: ReceiveProcessorOptions = {
    ...format,
    resampler: planVariableResampler({ inputRate: options.sampleRate, outputRate: contextRate }),
    limits: { minDelayMs: 0, maxDelayMs: 1000, latencyCost: null },
    capacityPackets: 64,
    maxPayloadBytes: maxPacketFrames * options.channels * 4,
    maxPacketFrames,
    snapshot: null,
  };
  return {
    numberOfInputs: 0,
    outputChannelCount: [options.outputChannels],
    processorOptions,
  };
}

/** Sends packets as they are due, over and over: `payloads` are a second. */
export function packetSender(
  kase: Variation & Pick<ReceiveCase, 'lost' | 'later'>,
  payloads: readonly Uint8Array[],
  frames: number,
): Omit<OpenCase, 'options'> {
  const { sampleRate = 48000, quantum = 128, lost = 0, later = 0 } = kase;
  const packet = {
    type: 'packet',
    sequence: 0,
    frame: 0,
    frames,
    copy: 0,
    bytes: payloads[0]!,
  };
  let sequence = 0;
  return {
    beforeQuantum: (index, send) => {
      for (;;) {
        const delay = Math.floor(sequence / 50) % 2 === 1 ? later : 0;
        if ((sequence * sampleRate) / 50 > (index - delay) * quantum) return;
        packet.sequence = sequence;
        packet.frame = sequence * frames;
        packet.bytes = payloads[sequence % 50]!;
        if (lost === 0 || sequence % lost !== lost - 1) send(packet);
        sequence++;
      }
    },
  };
}

function toneChannels(
  rate: number,
  channels: number,
  from: number,
  frames: number,
): Float32Array[] {
  return Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: frames }, (__, i) => {
      return 0.3 * Math.sin((2 * Math.PI * (200 + 50 * c) * (from + i)) / rate);
    }),
  );
}

/** Talk, push-to-talk with long and short pauses, and gaps in all of them; 256 quanta. */
export const PRESENCES: readonly number[] = [
  [100, PRESENT],
  [40, PAUSED],
  [20, PRESENT],
  [3, PAUSED],
  [10, PRESENT],
  [5, MISSING],
  [30, PRESENT],
  [8, PAUSED_MISSING],
  [20, PAUSED],
  [1, PRESENT],
  [1, MISSING],
  [1, PAUSED],
  [17, PRESENT],
].flatMap(([quanta, presence]) => Array<number>(quanta!).fill(presence!));

interface MixerCase extends Variation {
  readonly layout?: MixerProcessorOptions['layout'];
  readonly channels?: number;
  /** Hz, of the stream. @default 48000 */
  readonly from?: number;
  /** One in so many blocks is lost; 0: none. @default 0 */
  readonly lost?: number;
  /** Quanta by which each second batch of 50 blocks comes later. @default 0 */
  readonly later?: number;
  /** @default false */
  readonly shared?: boolean;
}

/** A stream of blocks of 10 ms and a node. */
function mixer(name: string, kase: MixerCase): ProcessorCase {
  const { sampleRate = 48000, quantum = 128, from = 48000, lost = 0, later = 0 } = kase;
  const { layout = 'separate', channels = 2, shared = false, ...variation } = kase;
  return {
    name: `mixer, ${name}`,
    worklet: 'mixer',
    processor: 'micwire-mixer',
    worksBetween: true,
    open: () => {
      const slots = 2;
      const frames = from / 100;
      const resampler = planVariableResampler({ inputRate: from, outputRate: sampleRate });
      const processorOptions: MixerProcessorOptions = {
        layout,
        channels,
        slots,
        maxDelayMs: 250,
        warmUp: resampler,
        snapshot: shared ? allocateSnapshot(slots * SOURCE_FIELDS.length) : null,
      };
      const blocks = Array.from({ length: 50 }, (_, i) =>
        toneChannels(from, 2, i * frames, frames),
      );
      const block = {
        type: 'block',
        id: 2,
        timestampMs: 0,
        sampleRate: from,
        channels: blocks[0]!,
      };
      let sent = 0;
      return {
        options: {
          numberOfInputs: 2 * slots,
          outputChannelCount: [channels],
          processorOptions,
        },
        start: (send) => {
          send({ type: 'node', slot: 0, id: 1, gain: 1, tellsPresence: false });
          send({ type: 'stream', slot: 1, id: 2, gain: 0.5, resampler });
        },
        beforeQuantum: (index, send) => {
          for (;;) {
            const delay = Math.floor(sent / 50) % 2 === 1 ? later : 0;
            if ((sent * sampleRate) / 100 > (index - delay) * quantum) return;
            block.timestampMs = sent * 10;
            block.channels = blocks[sent % 50]!;
            if (lost === 0 || sent % lost !== lost - 1) send(block);
            sent++;
          }
        },
      };
    },
    ...variation,
  };
}

/** Every processor in every configuration that takes a path of its own. One line each. */
export const PROCESSOR_CASES: readonly ProcessorCase[] = [
  meter('mono, posted', { channels: 1, shared: false }),
  meter('stereo, shared', { channels: 2 }),
  meter('8 channels, shared', { channels: 8 }),
  meter('stereo, input comes and goes', { channels: 2, inputChannels: [2, 2, 0, 1, 0] }),
  meter('stereo, quantum 1024', { channels: 2, quantum: 1024 }),
  meter('stereo, in TypeScript', { channels: 2, typescript: true }),

  capture('48 kHz s16, posted', { to: 48000 }),
  capture('44.1 → 16 kHz s16, posted', { sampleRate: 44100, to: 16000 }),
  capture('44.1 → 16 kHz s16, ring', { sampleRate: 44100, to: 16000, ring: true }),
  capture('44.1 → 16 kHz s16, in TypeScript', {
    sampleRate: 44100,
    to: 16000,
    typescript: true,
  }),
  capture('48 → 24 kHz s16 Base64, posted', { to: 24000, encoding: 'base64' }),
  capture('48 → 8 kHz µ-law Base64, ring', {
    to: 8000,
    format: 'mulaw',
    encoding: 'base64',
    ring: true,
  }),
  capture('48 → 8 kHz A-law', { to: 8000, format: 'alaw' }),
  capture('48 → 44.1 kHz s24 stereo, TPDF, best quality', {
    to: 44100,
    channels: 2,
    format: 's24',
    dither: 'tpdf',
    quality: 'vhq',
  }),
  capture('16 → 48 kHz f32, 2.5 ms chunks', {
    sampleRate: 16000,
    to: 48000,
    format: 'f32',
    chunkDurationMs: 2.5,
  }),
  capture('48 → 16 kHz, input comes and goes', {
    to: 16000,
    channels: 2,
    inputChannels: [2, 0, 1, 6, 0],
  }),
  capture('48 → 16 kHz, nobody reads', { to: 16000, reader: false }),
  capture('48 → 16 kHz, quantum 1024', { to: 16000, quantum: 1024 }),
  capture('48 → 16 kHz, of a microphone that comes and goes, with pre-roll', {
    to: 16000,
    channels: 2,
    presence: PRESENCES,
    preRollMs: 100,
  }),
  capture('48 kHz f32, of a microphone, quantum 256, ring', {
    to: 48000,
    format: 'f32',
    quantum: 256,
    presence: PRESENCES,
    preRollMs: 20,
    ring: true,
  }),

  microphone('mono', {}),
  microphone('stereo, quantum 1024', { channels: 2, quantum: 1024 }),
  microphone('stereo, inputs come and go, and are silent for long', {
    channels: 2,
    inputChannels: [2, 0, 1, ...Array<number>(12).fill(2), ...Array<number>(9).fill(0)],
  }),
  microphone('mono, live', { eventful: false }),

  mixer('stream and node, separate', {}),
  mixer('44.1 kHz and node, mixed, lost and jittered, shared', {
    from: 44100,
    layout: 'mixed',
    lost: 17,
    later: 30,
    shared: true,
    inputChannels: [2, 0, 1],
  }),
  mixer('to 44.1 kHz, quantum 1024', { sampleRate: 44100, quantum: 1024 }),

  playout('48 kHz s16', { from: 48000 }),
  playout('24 → 48 kHz s16', { from: 24000 }),
  playout('24 → 48 kHz s16, catching up', { from: 24000, backlog: 'catch-up', speed: 1.05 }),
  playout('16 → 44.1 kHz f32 stereo', {
    sampleRate: 44100,
    from: 16000,
    format: 'f32',
    channels: 2,
  }),
  playout('8 → 48 kHz µ-law to stereo', { from: 8000, format: 'mulaw', outputChannels: 2 }),
  playout('24 → 48 kHz, underruns', { from: 24000, speed: 0.7, everyQuanta: 40 }),
  playout('24 → 48 kHz, quantum 1024', { from: 24000, quantum: 1024 }),
  playout('24 → 48 kHz, marks', { from: 24000, marks: 40 }),
  playout('24 → 48 kHz, marks, from a Worker', { from: 24000, marks: 10, piped: true }),
  playout('24 → 48 kHz, pauses', { from: 24000, speed: 0.6, pauses: true }),
  playout('idle', { from: 24000, everyQuanta: 0 }),

  receive('48 kHz s24 stereo, lost and jittered', {
    from: 48000,
    format: 's24',
    channels: 2,
    lost: 7,
    later: 20,
  }),
  receive('8 → 44.1 kHz µ-law to stereo, lost and jittered', {
    sampleRate: 44100,
    from: 8000,
    format: 'mulaw',
    outputChannels: 2,
    lost: 10,
    later: 12,
  }),
];

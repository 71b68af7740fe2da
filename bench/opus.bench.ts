/**
 * Encoding and decoding of 20 ms at 48 kHz: how fast, how evenly, how well, against the packages that apps take for it and
 * native libopus. MICWIRE_NATIVE_OPUS names another libopus than the system's.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import type * as opusWasmScript from '../scripts/opus-wasm.mjs';
import { hasOpusFec } from '../src/core/codec/opus-packet.ts';
import { PacketDecoder } from '../src/core/codec/packet-decoder.ts';
import { segmentalSnrDb } from '../test/helpers/snr.ts';
import { seededRandom } from '../test/helpers/random.ts';
import type { Row } from './measure.ts';
import { nativeOpus } from './opus/native.ts';
import { FRAMES, ours, peers } from './opus/subjects.ts';
import type { Coder, OpusCase } from './opus/subjects.ts';

/** Finds its neighbours by its own address, so that it is no part of the bundle. */
type OpusWasm = typeof opusWasmScript;

const SECONDS = 20;
const COUNT = SECONDS * 50;
const ROUNDS = 5;
/** Frames that one subject takes before it is another's turn. */
const TURN = 50;
const LOOKAHEAD = 312;

const CASES: readonly OpusCase[] = [
  {
    name: 'voice mono 24 kb/s c5',
    channels: 1,
    application: 'voip',
    bitrate: 24_000,
    complexity: 5,
  },
  {
    name: 'voice mono 24 kb/s c10',
    channels: 1,
    application: 'voip',
    bitrate: 24_000,
    complexity: 10,
  },
  {
    name: 'music stereo 128 kb/s c10',
    channels: 2,
    application: 'audio',
    bitrate: 128_000,
    complexity: 10,
  },
];

export async function run(): Promise<Row[]> {
  const module = await compileOpus();
  const others = await peers();
  const rows: Row[] = [];
  for (const kase of CASES) {
    const planar = kase.channels === 1 ? [speech()] : music();
    const coders: Record<string, Coder> = {};
    for (const [name, open] of Object.entries({ micwire: ours(module), ...others })) {
      coders[name] = await open(kase, planar);
    }
    rows.push(...timed(kase, planar, coders, module));
  }
  return [...rows, ...fec(module), ...firstFrames()];
}

function timed(
  kase: OpusCase,
  planar: readonly Float32Array[],
  coders: Readonly<Record<string, Coder>>,
  module: object,
): Row[] {
  const native = nativeOpus(kase, planar, ROUNDS);
  const packets: Record<string, Uint8Array[]> = {};
  const rows: Row[] = [];
  const encoders = Object.entries(coders).filter(([, coder]) => coder.encode);
  const encodeNs = inTurns(encoders, (name, coder, index, round) => {
    const packet = coder.encode!(index);
    if (round === 0) (packets[name] ??= []).push(packet.slice());
  });
  const material = packets['micwire']!;
  const decodeNs = inTurns(
    Object.entries(coders).filter(([, coder]) => coder.decode),
    (_, coder, index) => coder.decode!(material[index]!),
  );
  if (native) {
    const name = `native ${native.version}`;
    encodeNs[name] = native.encodeNs;
    decodeNs[name] = native.decodeNs;
    packets[name] = [...native.packets];
  }
  for (const [metric, times] of [
    ['encode', encodeNs],
    ['decode', decodeNs],
  ] as const) {
    for (const [subject, ns] of Object.entries(times)) {
      rows.push(...spread(kase.name, subject, metric, ns));
    }
  }
  for (const [subject, list] of Object.entries(packets)) {
    const bytes = list.reduce((sum, packet) => sum + packet.length, 0);
    const row = { case: kase.name, subject };
    const snr = quality(kase, planar, list, module);
    rows.push({ ...row, metric: 'bit rate', value: (bytes * 8) / SECONDS / 1000, unit: 'kb/s' });
    rows.push({ ...row, metric: 'segmental SNR', value: snr, unit: 'dB' });
  }
  return rows;
}

/** Times of each frame: the least of the rounds, so that what else the machine does is left out. */
function inTurns(
  coders: readonly (readonly [string, Coder])[],
  act: (name: string, coder: Coder, index: number, round: number) => void,
): Record<string, readonly number[]> {
  const least = coders.map(() => new Float64Array(COUNT).fill(Infinity));
  for (let round = 0; round < ROUNDS; round++) {
    for (let from = 0; from < COUNT; from += TURN) {
      for (let turn = 0; turn < coders.length; turn++) {
        const which = (turn + round) % coders.length;
        const [name, coder] = coders[which]!;
        for (let index = from; index < from + TURN; index++) {
          const begun = process.hrtime.bigint();
          act(name, coder, index, round);
          const ns = Number(process.hrtime.bigint() - begun);
          if (ns < least[which]![index]!) least[which]![index] = ns;
        }
      }
    }
  }
  return Object.fromEntries(coders.map(([name], which) => [name, [...least[which]!]]));
}

function spread(name: string, subject: string, metric: string, ns: readonly number[]): Row[] {
  const sorted = ns.toSorted((a, b) => a - b);
  const sum = sorted.reduce((total, value) => total + value, 0);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  const row = (what: string, value: number, unit: string): Row => ({
    case: name,
    subject,
    metric: `${metric}, ${what}`,
    value,
    unit,
  });
  return [
    row('speed', (sorted.length * FRAMES) / 48_000 / (sum / 1e9), '× real time'),
    row('p50', at(0.5) / 1e6, 'ms'),
    row('p99', at(0.99) / 1e6, 'ms'),
    row('max', at(1) / 1e6, 'ms'),
  ];
}

/** All packets are decoded by one decoder: what differs is the encoder. */
function quality(
  kase: OpusCase,
  planar: readonly Float32Array[],
  packets: readonly Uint8Array[],
  module: object,
): number {
  const format = { sampleRate: 48_000, channels: kase.channels, preSkip: LOOKAHEAD };
  const decoder = new OpusDecoder(new OpusLibrary(module), format);
  const output = planar.map(() => new Float32Array(packets.length * FRAMES));
  let at = 0;
  for (const packet of packets) at += decoder.decode(packet, 0, packet.length, output, at);
  const snrs = planar.map((samples, c) => segmentalSnrDb(samples, output[c]!.subarray(0, at)));
  return snrs.reduce((sum, snr) => sum + snr, 0) / snrs.length;
}

/** What is lost at random, recovered and concealed, against the same frames decoded whole. */
function fec(module: object): Row[] {
  const library = new OpusLibrary(module);
  const format = { sampleRate: 48_000, channels: 1 };
  const input = [speech()];
  const encoder = new OpusEncoder(library, {
    ...format,
    bitrate: 24_000,
    complexity: 10,
    signalType: 'voice',
    fec: true,
    expectedLossPercent: 20,
  });
  const target = new Uint8Array(encoder.maxBytes());
  const packets = Array.from({ length: COUNT }, (_, i) =>
    target.slice(0, encoder.encode(input, i * FRAMES, FRAMES, target, 0)),
  );
  const random = seededRandom(10);
  const lost = packets.map((_, i) => i > 0 && random() < 0.1);
  const heard = (mode: 'whole' | 'concealed' | 'recovered'): Float32Array => {
    const decoder = new PacketDecoder(new OpusDecoder(library, format));
    const output = [new Float32Array(COUNT * FRAMES)];
    let at = 0;
    let missing = 0;
    for (const [i, packet] of packets.entries()) {
      if (mode !== 'whole' && lost[i]) {
        if (mode === 'recovered') missing += FRAMES;
        else at += decoder.conceal(FRAMES, output, at);
        continue;
      }
      at += decoder.decode(packet, 0, packet.length, missing, output, at, missing + FRAMES);
      missing = 0;
    }
    return output[0]!;
  };
  const only = (samples: Float32Array) =>
    Float32Array.from(
      lost.flatMap((gone, i) => (gone ? [...samples.subarray(i * FRAMES, (i + 1) * FRAMES)] : [])),
    );
  const whole = only(heard('whole'));
  const carrying = packets.filter((packet) => hasOpusFec(packet, 0, packet.length)).length;
  const name = 'voice 24 kb/s c10, 10 % lost at random: the lost frames';
  const row = (subject: string, metric: string, value: number, unit: string): Row => ({
    case: name,
    subject,
    metric,
    value,
    unit,
  });
  return [
    row('FEC', 'segmental SNR', segmentalSnrDb(whole, only(heard('recovered'))), 'dB'),
    row('concealment', 'segmental SNR', segmentalSnrDb(whole, only(heard('concealed'))), 'dB'),
    row('FEC', 'packets that carry it', (100 * carrying) / COUNT, '%'),
  ];
}

/** Each in a process of its own: code that has run once is warm. */
function firstFrames(): Row[] {
  const rows: Row[] = [];
  for (const complexity of [5, 10]) {
    for (const mode of ['cold', 'warmed'] as const) {
      const times = Array.from({ length: 15 }, () => {
        const file = pathToFileURL(join(process.cwd(), 'bench/node_modules/.suites/opus.mjs')).href;
        const code = `import(${JSON.stringify(file)}).then((suite) => suite.firstFrame('${mode}', ${complexity}))`;
        return Number(execFileSync(process.execPath, ['-e', code]).toString());
      });
      const sorted = times.toSorted((a, b) => a - b);
      const subject = mode === 'cold' ? 'micwire, without its warm-up' : 'micwire';
      const name = `first live frame, voice mono 24 kb/s c${complexity}`;
      rows.push({ case: name, subject, metric: 'median of 15', value: sorted[7]!, unit: 'ms' });
      rows.push({ case: name, subject, metric: 'best of 15', value: sorted[0]!, unit: 'ms' });
    }
  }
  return rows;
}

/** Run in a process of its own. Prints ms. */
export async function firstFrame(mode: 'cold' | 'warmed', complexity: number): Promise<void> {
  const module = await compileOpus();
  const options = { sampleRate: 48_000, channels: 1, bitrate: 24_000, complexity } as const;
  if (mode === 'warmed') new OpusEncoder(new OpusLibrary(module), options).warmUp(30);
  const encoder = new OpusEncoder(new OpusLibrary(module), options);
  if (mode === 'warmed') encoder.warmUp(2);
  const input = [speech().subarray(24_000, 24_960)];
  const target = new Uint8Array(encoder.maxBytes());
  const begun = process.hrtime.bigint();
  encoder.encode(input, 0, FRAMES, target, 0);
  console.log(Number(process.hrtime.bigint() - begun) / 1e6);
}

async function compileOpus(): Promise<WebAssembly.Module> {
  const file = pathToFileURL(join(process.cwd(), 'scripts/opus-wasm.mjs')).href;
  const { opusWasm } = (await import(/* @vite-ignore */ file)) as OpusWasm;
  return WebAssembly.compile((await opusWasm()).bytes as BufferSource);
}

function speech(): Float32Array {
  const file = readFileSync(join(process.cwd(), 'test/fixtures/speech.wav'));
  const head = 44;
  const count = (file.length - head) / 2;
  return Float32Array.from(
    { length: SECONDS * 48_000 },
    (_, i) => file.readInt16LE(head + 2 * (i % count)) / 32_768,
  );
}

/** Chords that change, plucked, with a beat of noise: something of all that music has. */
function music(): Float32Array[] {
  const random = seededRandom(4);
  const chords = [
    [220, 277.2, 329.6],
    [196, 246.9, 293.7],
    [174.6, 220, 261.6],
    [164.8, 207.7, 246.9],
  ];
  const noise = Float32Array.from({ length: 4800 }, () => random() - 0.5);
  return [0, 1].map((channel) =>
    Float32Array.from({ length: SECONDS * 48_000 }, (_, i) => {
      const seconds = i / 48_000;
      const chord = chords[Math.floor(seconds * 2) % chords.length]!;
      const since = (seconds * 2) % 1;
      let value = 0;
      for (const [n, frequency] of chord.entries()) {
        for (let harmonic = 1; harmonic <= 8; harmonic++) {
          const phase = 2 * Math.PI * frequency * harmonic * seconds + channel * n;
          value += (Math.sin(phase) * Math.exp(-since * (1 + harmonic))) / harmonic;
        }
      }
      const beat = i % 12_000;
      const hit = beat < noise.length ? noise[beat]! * Math.exp(-beat / 800) : 0;
      return 0.18 * value + 0.3 * hit;
    }),
  );
}

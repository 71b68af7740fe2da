/**
 * What a server does for each stream that it transcribes: decodes Opus, resamples it to 16 kHz and measures its loudness; or decodes
 * it at 16 kHz at once, as `StreamConverter` does. How many
 * streams a core carries, and how much memory each takes, beside native libopus, libsoxr and libebur128 (`libopus-dev`,
 * `libsoxr-dev`, `libebur128-dev` and gcc; without them only ours is measured).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import { LoudnessMeter } from '../src/core/metering/loudness-meter.ts';
import { Resampler } from '../src/core/resampler/resampler.ts';
import type * as opusWasmScript from '../scripts/opus-wasm.mjs';
import { StreamPool } from '../src/node/pool/stream-pool.ts';
import { poolScript } from '../test/helpers/pool-script.ts';
import { speech } from '../test/helpers/speech.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

/** Finds its neighbours by its own address, so that it is no part of the bundle. */
type OpusWasm = typeof opusWasmScript;

const STREAMS = 200;
const PACKETS = 100;
const ROUNDS = 9;
const FRAMES = 960;
const PACKET_NS = 20e6;
const METERED_RATE = 16_000;
/** By the rate at which Opus is decoded, Hz. */
const CASES = {
  48_000: `Opus at 48 kHz → 16 kHz, loudness; ${STREAMS} streams`,
  16_000: `Opus at 16 kHz, loudness; ${STREAMS} streams`,
} as const;
type Rate = keyof typeof CASES;

export async function run(): Promise<Row[]> {
  const { opusWasm } = (await import(
    pathToFileURL(join(process.cwd(), 'scripts/opus-wasm.mjs')).href
  )) as OpusWasm;
  const module = await WebAssembly.compile((await opusWasm()).bytes as BufferSource);
  const packets = encode(new OpusLibrary(module));
  const folder = mkdtempSync(join(tmpdir(), 'micwire-streams-'));
  try {
    const native = compileNative(folder, packets);
    if (native === undefined) {
      console.warn('Native libopus, libsoxr and libebur128 are not installed: not measured.');
    }
    return [
      ...compare(48_000, module, packets, native),
      ...compare(16_000, module, packets, native),
      ...(await pooled(module, packets)),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(
  rate: Rate,
  module: object,
  packets: readonly Uint8Array[],
  native: RunNative | undefined,
): Row[] {
  const ours = open(rate, module, packets);
  const nativeNs: number[] = [];
  const oursNs: number[] = [];
  let figures: Native | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    oursNs.push(ours.round());
    figures = native?.(rate) ?? figures;
    if (figures !== undefined) nativeNs.push(figures.ns);
  }
  // The first round compiles.
  const oursMedian = median(oursNs.slice(1));
  const rows = rowsOf(rate, 'micwire', oursMedian, ours.bytes, ours.loudness());
  if (figures === undefined) return rows;
  const nativeMedian = median(nativeNs);
  return [
    ...rows,
    ...rowsOf(rate, 'native', nativeMedian, figures.bytes, figures.loudness),
    {
      case: CASES[rate],
      subject: 'micwire / native',
      metric: 'streams a core',
      value: nativeMedian / oursMedian,
      unit: '×',
    },
  ];
}

/** The same by a `StreamPool`, with all that passes between threads. */
async function pooled(module: object, packets: readonly Uint8Array[]): Promise<Row[]> {
  const script = await poolScript();
  const threads = availableParallelism();
  const pool = new StreamPool({ threads, opus: module, script: script.url });
  try {
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, () =>
        pool.open({
          input: { format: 'opus', sampleRate: 48_000, channels: 1 },
          output: { format: 's16', sampleRate: METERED_RATE, channels: 1 },
          meters: ['loudness'],
        }),
      ),
    );
    const wallNs: number[] = [];
    const cpuNs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = process.cpuUsage();
      const startMs = performance.now();
      // As a server has it: a packet of each stream within 20 ms.
      for (const packet of packets) {
        await Promise.all(streams.map((stream) => stream.convert(packet)));
      }
      const { user, system } = process.cpuUsage(start);
      wallNs.push(((performance.now() - startMs) * 1e6) / packets.length / STREAMS);
      cpuNs.push(((user + system) * 1000) / packets.length / STREAMS);
    }
    const name = `the same in a StreamPool of ${threads} threads`;
    const row = (metric: string, value: number, unit: string): Row => ({
      case: name,
      subject: 'micwire',
      metric,
      value,
      unit,
    });
    return [
      row('CPU a packet, all threads', median(cpuNs.slice(1)) / 1000, 'µs'),
      row('streams of this machine', PACKET_NS / median(wallNs.slice(1)), ''),
    ];
  } finally {
    await pool.close();
    await script.remove();
  }
}

function rowsOf(rate: Rate, subject: string, ns: number, bytes: number, lufs: number): Row[] {
  const row = (metric: string, value: number, unit: string): Row => ({
    case: CASES[rate],
    subject,
    metric,
    value,
    unit,
  });
  return [
    row('CPU a packet', ns / 1000, 'µs'),
    row('streams a core', PACKET_NS / ns, ''),
    row('memory a stream', bytes / 1024, 'KiB'),
    row('loudness of the first', lufs, 'LUFS'),
  ];
}

function encode(library: OpusLibrary): Uint8Array[] {
  const encoder = new OpusEncoder(library, { sampleRate: 48_000, channels: 1, bitrate: 24_000 });
  const signal = speech(PACKETS * FRAMES);
  const packet = new Uint8Array(encoder.maxBytes());
  return Array.from({ length: PACKETS }, (_, i) => {
    const length = encoder.encode([signal], i * FRAMES, FRAMES, packet, 0);
    return packet.slice(0, length);
  });
}

/** Everything that was opened, so that no memory is taken twice. */
const kept: unknown[] = [];

/** Every stream with kernels of its own, as a server has them. */
function open(rate: Rate, module: object, packets: readonly Uint8Array[]) {
  const library = new OpusLibrary(module);
  const openChain = () => ({
    decoder: new OpusDecoder(library, { sampleRate: rate, channels: 1 }),
    resampler:
      rate === METERED_RATE
        ? null
        : new Resampler({ inputRate: rate, outputRate: METERED_RATE, channels: 1 }),
    meter: new LoudnessMeter({ sampleRate: METERED_RATE, channels: 1 }),
  });
  const decoded = [new Float32Array(5760)];
  const converted = [new Float32Array(5760)];
  const run = (chains: readonly ReturnType<typeof openChain>[]): void => {
    for (const packet of packets) {
      for (const { decoder, resampler, meter } of chains) {
        const frames = decoder.decode(packet, 0, packet.length, decoded, 0);
        if (resampler === null) meter.process(decoded, 0, frames);
        else meter.process(converted, 0, resampler.process(decoded, converted, frames));
      }
    }
  };
  // Code that is compiled, and what the library takes once, is not memory of a stream.
  const warm = [openChain()];
  for (let round = 0; round < 10; round++) run(warm);
  const before = process.memoryUsage().rss;
  const chains = Array.from({ length: STREAMS }, openChain);
  run(chains);
  const bytes = (process.memoryUsage().rss - before) / STREAMS;
  kept.push(warm, chains);
  return {
    bytes,
    loudness() {
      const { meter } = chains[0]!;
      const reading = meter.createReading();
      meter.read(reading);
      return reading.integratedLufs;
    },
    round(): number {
      const start = process.cpuUsage();
      run(chains);
      const { user, system } = process.cpuUsage(start);
      return ((user + system) * 1000) / packets.length / STREAMS;
    },
  };
}

/** What the native program has told. */
interface Native {
  readonly ns: number;
  readonly bytes: number;
  readonly loudness: number;
}
type RunNative = (rate: Rate) => Native | undefined;

/** @returns a run of it; undefined where it cannot be compiled */
function compileNative(folder: string, packets: readonly Uint8Array[]): RunNative | undefined {
  const program = join(folder, 'stream-chain');
  const source = join(process.cwd(), 'bench/native/stream-chain.c');
  const libraries = ['-lopus', '-lsoxr', '-lebur128'];
  const made = spawnSync('gcc', ['-O3', '-march=native', source, '-o', program, ...libraries]);
  if (made.status !== 0) return undefined;
  const file = join(folder, 'packets');
  writeFileSync(
    file,
    Buffer.concat(
      packets.flatMap((packet) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(packet.length);
        return [length, packet];
      }),
    ),
  );
  return (rate) => {
    const { status, stdout } = spawnSync(program, [`${STREAMS}`, '2', file, `${rate}`]);
    if (status !== 0) return undefined;
    const [, ns, bytes, loudness] = String(stdout).trim().split('\n').map(Number);
    return { ns: ns!, bytes: bytes!, loudness: loudness! };
  };
}

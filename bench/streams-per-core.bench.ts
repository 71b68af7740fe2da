/**
 * What a server does for each stream that it transcribes: decodes Opus, resamples it to 16 kHz and measures its loudness. How many
 * streams a core carries, and how much memory each takes, beside native libopus, libsoxr and libebur128 (`libopus-dev`,
 * `libsoxr-dev`, `libebur128-dev` and gcc; without them only ours is measured).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import { LoudnessMeter } from '../src/core/metering/loudness-meter.ts';
import { Resampler } from '../src/core/resampler/resampler.ts';
import type * as opusWasmScript from '../scripts/opus-wasm.mjs';
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
const CASE = `Opus 48 kHz → 16 kHz, loudness; ${STREAMS} streams`;

export async function run(): Promise<Row[]> {
  const { opusWasm } = (await import(
    pathToFileURL(join(process.cwd(), 'scripts/opus-wasm.mjs')).href
  )) as OpusWasm;
  const module = await WebAssembly.compile((await opusWasm()).bytes as BufferSource);
  const packets = encode(new OpusLibrary(module));
  const folder = mkdtempSync(join(tmpdir(), 'micwire-streams-'));
  try {
    const native = compileNative(folder, packets);
    const ours = open(module, packets);
    const nativeNs: number[] = [];
    const oursNs: number[] = [];
    let figures: Native | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      oursNs.push(ours.round());
      figures = native?.() ?? figures;
      if (figures !== undefined) nativeNs.push(figures.ns);
    }
    const rows = rowsOf('micwire', median(oursNs.slice(1)), ours.bytes, ours.loudness());
    if (figures === undefined) {
      console.warn('Native libopus, libsoxr and libebur128 are not installed: not measured.');
      return rows;
    }
    const nativeMedian = median(nativeNs);
    return [
      ...rows,
      ...rowsOf('native', nativeMedian, figures.bytes, figures.loudness),
      {
        case: CASE,
        subject: 'micwire / native',
        metric: 'streams a core',
        value: nativeMedian / median(oursNs.slice(1)),
        unit: '×',
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function rowsOf(subject: string, ns: number, bytes: number, lufs: number): Row[] {
  const row = (metric: string, value: number, unit: string): Row => ({
    case: CASE,
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

/** Every stream with kernels of its own, as a server has them. */
function open(module: object, packets: readonly Uint8Array[]) {
  const library = new OpusLibrary(module);
  const before = process.memoryUsage().rss;
  const chains = Array.from({ length: STREAMS }, () => ({
    decoder: new OpusDecoder(library, { sampleRate: 48_000, channels: 1 }),
    resampler: new Resampler({ inputRate: 48_000, outputRate: 16_000, channels: 1 }),
    meter: new LoudnessMeter({ sampleRate: 16_000, channels: 1 }),
  }));
  const decoded = [new Float32Array(5760)];
  const converted = [new Float32Array(5760)];
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    loudness() {
      const { meter } = chains[0]!;
      const reading = meter.createReading();
      meter.read(reading);
      return reading.integratedLufs;
    },
    round(): number {
      const start = process.cpuUsage();
      for (const packet of packets) {
        for (const { decoder, resampler, meter } of chains) {
          const frames = decoder.decode(packet, 0, packet.length, decoded, 0);
          const count = resampler.process(decoded, converted, frames);
          meter.process(converted, 0, count);
        }
      }
      const { user, system } = process.cpuUsage(start);
      bytes ||= (process.memoryUsage().rss - before) / STREAMS;
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

/** @returns a run of it; undefined where it cannot be compiled */
function compileNative(
  folder: string,
  packets: readonly Uint8Array[],
): (() => Native | undefined) | undefined {
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
  return () => {
    const { status, stdout } = spawnSync(program, [`${STREAMS}`, '2', file]);
    if (status !== 0) return undefined;
    const [, ns, bytes, loudness] = String(stdout).trim().split('\n').map(Number);
    return { ns: ns!, bytes: bytes!, loudness: loudness! };
  };
}

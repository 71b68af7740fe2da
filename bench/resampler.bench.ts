import { Resampler } from '../src/core/resampler/resampler.ts';
import { micwireStreams } from './adapters/micwire-streams.mjs';
import { nativePeers, wasmPeers } from './adapters/resampler-peers.mjs';
import type { Row } from './measure.ts';

/** The pairs of rates that voice meets. */
export const PAIRS: readonly (readonly [number, number])[] = [
  [48000, 16000],
  [48000, 24000],
  [44100, 16000],
  [44100, 48000],
  [48000, 44100],
  [16000, 48000],
  [24000, 48000],
  [48000, 8000],
];
const QUANTUM = 128;
const SECONDS = 1;
/** Native libsoxr holds up to 160 ms back, whose conversion at the end counts, too: it gets enough to make that little. */
const NATIVE_SECONDS = 5;
/** About how many times faster than real time it converts one channel. */
const NATIVE_SPEED = 4000;
const ROUNDS = 7;
/** A turn lasts as long for every peer: the fastest pass of few would be slower than that of many. */
const TURN_SECONDS = 0.03;
const WARM_UP_MS = 250;
const SHAPES = [
  { channels: 1, block: 128 },
  { channels: 1, block: 4096 },
  { channels: 2, block: 128 },
  { channels: 2, block: 4096 },
];

/** A subject's turn: converts everything a few times and says how many seconds of processor time the fastest took. */
type Turn = () => number;

/** How often every quantum is timed: the least counts, so that what interrupts does not. */
const QUANTUM_PASSES = 40;

/**
 * The time of our own render quanta, mono, with nothing around the resampler: each quantum of a second is timed in several
 * passes over the same audio; of its least times the median and the greatest are told.
 */
function quanta(): Row[] {
  return PAIRS.flatMap(([inputRate, outputRate]) => {
    const resampler = new Resampler({ inputRate, outputRate });
    const output = [new Float32Array(resampler.outputFramesMax(QUANTUM))];
    const blocks = Array.from({ length: Math.floor(inputRate / QUANTUM) }, () => [noise(QUANTUM)]);
    const least = new Float64Array(blocks.length).fill(Infinity);
    for (let pass = 0; pass < QUANTUM_PASSES; pass++) {
      resampler.reset();
      for (let i = 0; i < blocks.length; i++) {
        const start = performance.now();
        resampler.process(blocks[i]!, output);
        least[i] = Math.min(least[i]!, (performance.now() - start) * 1000);
      }
    }
    const sorted = least.toSorted();
    const row = (metric: string, value: number): Row => ({
      case: `${inputRate} → ${outputRate}, mono, a quantum of ${QUANTUM}`,
      subject: 'micwire hq',
      metric,
      value,
      unit: 'µs',
    });
    return [
      row('median quantum', sorted[sorted.length >> 1]!),
      row('worst quantum', sorted.at(-1)!),
    ];
  });
}

/**
 * Speed in multiples of real time: processor time of the process, the best of several turns taken in rotation, so that whatever
 * else the machine does hits all alike. Only ratios within one run mean something.
 */
export async function run(): Promise<Row[]> {
  const streams = [...micwireStreams(Resampler), ...(await wasmPeers())];
  const natives = nativePeers(process.cwd());
  const rows: Row[] = quanta();
  for (const { channels, block } of SHAPES) {
    const shape = `${channels === 1 ? 'mono' : 'stereo'}, blocks of ${block}`;
    const logarithms = new Map<string, number[]>();
    for (const [from, to] of PAIRS) {
      const frames = Math.floor((from * SECONDS) / block) * block;
      const input = noise(frames * channels);
      const nativeInput = noise(NATIVE_SECONDS * frames * channels);
      const passes = Math.ceil((TURN_SECONDS * NATIVE_SPEED) / NATIVE_SECONDS / channels);
      const interleaved: Float32Array[] = [];
      const planar: Float32Array[][] = [];
      for (let at = 0; at < input.length; at += block * channels) {
        interleaved.push(input.subarray(at, at + block * channels));
        planar.push(Array.from({ length: channels }, () => noise(block)));
      }
      const turns = new Map<string, Turn>();
      for (const { name, create } of streams) {
        const stream = await create(from, to, channels);
        const { processPlanar } = stream;
        // Each takes the layout that it is made for.
        if (processPlanar) {
          turns.set(name, () => processorSeconds(() => planar.forEach(processPlanar)));
        } else {
          turns.set(name, () => processorSeconds(() => interleaved.forEach(stream.process)));
        }
      }
      for (const native of natives) {
        turns.set(
          native.name,
          () => native.seconds(nativeInput, from, to, channels, block, passes) / NATIVE_SECONDS,
        );
      }
      for (const [subject, seconds] of bestOfTurns(turns)) {
        const speed = frames / from / seconds;
        rows.push({
          case: `${from} → ${to}, ${shape}`,
          subject,
          metric: 'speed',
          value: speed,
          unit: '× real time',
        });
        const known = logarithms.get(subject) ?? [];
        known.push(Math.log(speed));
        logarithms.set(subject, known);
      }
    }
    for (const [subject, values] of logarithms) {
      const mean = Math.exp(values.reduce((sum, value) => sum + value, 0) / values.length);
      rows.push({
        case: `geometric mean, ${shape}`,
        subject,
        metric: 'speed',
        value: mean,
        unit: '× real time',
      });
    }
  }
  return rows;
}

function bestOfTurns(turns: ReadonlyMap<string, Turn>): Map<string, number> {
  const best = new Map<string, number>();
  const names = [...turns.keys()];
  // Engines compile for speed in the background, once code has run often: that must be over.
  for (const name of names) {
    const start = performance.now();
    while (performance.now() - start < WARM_UP_MS) turns.get(name)!();
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      best.set(name, Math.min(best.get(name) ?? Infinity, turns.get(name)!()));
    }
  }
  return best;
}

/** The fastest pass of a turn. */
function processorSeconds(action: () => void): number {
  let best = Infinity;
  let total = 0;
  while (total < TURN_SECONDS) {
    const start = process.cpuUsage();
    action();
    const { user, system } = process.cpuUsage(start);
    const seconds = Math.max(1, user + system) / 1e6;
    best = Math.min(best, seconds);
    total += seconds;
  }
  return best;
}

function noise(length: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state / 0x40000000 - 1) * 0.5;
  });
}

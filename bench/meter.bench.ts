import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { METER_NAMES } from '../src/core/metering/meter-table.ts';
import type { MeterName } from '../src/core/metering/meter-table.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { noise } from '../test/helpers/signals.ts';
import { speech, stereoSpeech } from '../test/helpers/speech.ts';
import { buildLibebur128, timeLibebur128 } from './loudness/libebur128.ts';
import { createNeedles, kWeighted, loadEbur128Wasm } from './loudness/npm-peers.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

const RATE = 48_000;
const BLOCK = 128;
/** All take turns for so many rounds with so many seconds of audio; slow peers meter a part of it. */
const ROUNDS = 31;
const SECONDS = 5;
const SLOW_SECONDS = 1;
/** CPU time of a turn, ns: who is done with the audio sooner meters it again, so that none is timed while its caches are cold. */
const TURN_NS = 20e6;
/** CPU time before the first turn, ns: meters run for hours, of which compilers take a part of the first second. */
const WARM_UP_NS = 1e9;
/** How often a reading is taken, in blocks: about every 10 ms. */
const READ_EVERY = 4;

/** What libebur128 has too, and RMS. */
const COMMON: readonly MeterName[] = ['peak', 'rms', 'truePeak', 'loudness'];

interface Subject {
  readonly case: string;
  readonly name: string;
  /** Seconds of audio that a run meters. */
  readonly seconds: number;
  /** CPU time of a run, ns. */
  readonly time: () => number;
  /** None of it is compiled while it runs. */
  readonly native?: boolean;
}

/** What metering costs per sample and channel, and of a render quantum, beside libebur128 and npm's meters. */
export async function run(): Promise<Row[]> {
  const random = seededRandom(1);
  const rows: Row[] = [];
  for (const channels of [1, 2]) {
    const signal = Array.from({ length: channels }, () => noise(random, RATE * SECONDS, 0.25));
    const subjects = await subjectsFor(signal);
    const times = subjects.map(() => [] as number[]);
    const runs = subjects.map((subject) => runsPerTurn(subject));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, subject] of subjects.entries()) {
        let ns = 0;
        for (let run = 0; run < runs[index]!; run++) ns += subject.time();
        times[index]!.push(ns / runs[index]!);
      }
    }
    const perSample = (of: (values: readonly number[]) => number): number[] =>
      subjects.map(({ seconds }, index) => of(times[index]!) / (seconds * RATE * channels));
    const least = perSample((values) => Math.min(...values));
    rows.push(...rowsOf(subjects, perSample(median), least, channels));
  }
  return rows;
}

/** Warms a subject up, and finds how often it meters the audio in a turn. */
function runsPerTurn({ time, native: compiled = false }: Subject): number {
  let least = time();
  for (let ns = least; !compiled && ns < WARM_UP_NS;) {
    const one = time();
    least = Math.min(least, one);
    ns += one;
  }
  return Math.max(1, Math.round(TURN_NS / least));
}

function rowsOf(
  subjects: readonly Subject[],
  perSample: readonly number[],
  least: readonly number[],
  channels: number,
): Row[] {
  return subjects.flatMap(({ case: kase, name }, index) => {
    const ns = perSample[index]!;
    const ofQuantum = (time: number): number =>
      ((time * BLOCK * channels) / ((BLOCK / RATE) * 1e9)) * 100;
    const row = (metric: string, value: number, unit: string): Row => ({
      case: `${kase}, ${channels} ch`,
      subject: name,
      metric,
      value,
      unit,
    });
    const reference = subjects.findIndex(
      (other) => other.case === kase && other.name === 'micwire',
    );
    return [
      row('time', ns, 'ns per sample and channel'),
      row('least time of a turn', least[index]!, 'ns per sample and channel'),
      row('of a quantum of 128', ofQuantum(ns), '%'),
      row('of a quantum of 128, least', ofQuantum(least[index]!), '%'),
      ...(name === 'micwire'
        ? []
        : [
            row('times as slow', ns / perSample[reference]!, '×'),
            row('times as slow, least', least[index]! / least[reference]!, '×'),
          ]),
    ];
  });
}

async function subjectsFor(signal: readonly Float32Array[]): Promise<Subject[]> {
  const blocks = blocksOf(signal);
  // Noise is the dearest: any part of it may hold the highest point. Speech is what is metered.
  const frames = RATE * SECONDS;
  const spoken = blocksOf(signal.length === 1 ? [speech(frames)] : stereoSpeech(frames));
  const loudness = ['loudness'] as const;
  return [
    micwire('M, S, I, LRA', 'micwire', loudness, blocks, true),
    micwire('M, S, I, LRA', 'micwire, TypeScript', loudness, blocks, false),
    ...native('M, S, I, LRA', 'loudness', signal),
    needles(blocks),
    micwire('the same, true peak, peak, RMS', 'micwire', COMMON, blocks, true),
    ...native('the same, true peak, peak, RMS', 'all', signal),
    micwire('all meters', 'micwire', METER_NAMES, blocks, true),
    micwire('all meters', 'micwire, TypeScript', METER_NAMES, blocks, false),
    ...native('all meters', 'all', signal),
    micwire('all meters, speech', 'micwire', METER_NAMES, spoken, true),
    micwire('I and true peak', 'micwire', ['truePeak', 'loudness'], blocks, true),
    await ebur128Wasm(signal),
  ];
}

function blocksOf(signal: readonly Float32Array[]): Float32Array[][] {
  return Array.from({ length: Math.floor(signal[0]!.length / BLOCK) }, (_, i) =>
    signal.map((channel) => channel.slice(i * BLOCK, (i + 1) * BLOCK)),
  );
}

function micwire(
  kase: string,
  name: string,
  meters: readonly MeterName[],
  blocks: readonly (readonly Float32Array[])[],
  wasm: boolean,
): Subject {
  const bank = new MeterBank({
    sampleRate: RATE,
    channels: blocks[0]!.length,
    meters,
    wasm: wasm ? meterModule() : undefined,
  });
  const { values } = bank.createReading();
  const time = (): number =>
    cpuTime(() => {
      for (let i = 0; i < blocks.length; i++) {
        bank.process(blocks[i]!, 0, BLOCK);
        if (i % READ_EVERY === 0) bank.store(values, 0);
      }
    });
  return { case: kase, name, seconds: (blocks.length * BLOCK) / RATE, time };
}

function native(
  kase: string,
  mode: 'loudness' | 'all',
  signal: readonly Float32Array[],
): Subject[] {
  if (!buildLibebur128()) return [];
  const time = (): number => timeLibebur128(signal, RATE, mode, 1);
  return [{ case: kase, name: 'libebur128', seconds: SECONDS, time, native: true }];
}

/** M, S and I; K-weighting is done outside. */
function needles(blocks: readonly (readonly Float32Array[])[]): Subject {
  const processor = createNeedles(RATE, () => {});
  const some = blocks
    .slice(0, Math.floor((SLOW_SECONDS * RATE) / BLOCK))
    .map((block) => block.map((channel) => kWeighted(channel, RATE)));
  const time = (): number =>
    cpuTime(() => {
      for (const block of some) processor.process([block]);
    });
  const seconds = (some.length * BLOCK) / RATE;
  return { case: 'M, S, I, LRA', name: '@domchristie/needles', seconds, time };
}

/** Offers whole signals alone: I, and true peak. */
async function ebur128Wasm(signal: readonly Float32Array[]): Promise<Subject> {
  const peer = await loadEbur128Wasm();
  const [left, right] = signal.map((channel) => channel.slice(0, SLOW_SECONDS * RATE));
  const time = (): number =>
    cpuTime(() => {
      if (right) {
        peer.ebur128_integrated_stereo(RATE, left!, right);
        peer.ebur128_true_peak_stereo(RATE, left!, right);
      } else {
        peer.ebur128_integrated_mono(RATE, left!);
        peer.ebur128_true_peak_mono(RATE, left!);
      }
    });
  return { case: 'I and true peak', name: 'ebur128-wasm', seconds: SLOW_SECONDS, time };
}

/** CPU time in ns, so that what else the machine does counts for little. */
function cpuTime(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
}

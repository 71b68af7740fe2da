import { ClockRig, apart, timeOf, timeSignal } from '../test/helpers/clock-rig.ts';
import type { SimulatedSource } from '../test/helpers/clock-rig.ts';
import { decibels } from '../test/helpers/sine-fit.ts';
import { roughest, tones } from '../test/helpers/tones.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

/** A low rate, for speed: an hour takes seconds. */
const RATE = 8000;
const QUANTUM = 32;
const SECONDS = 3600;
/** After so long sources are compared. */
const START_SECONDS = 1;
const SETTLED_SECONDS = 60;

interface Pair {
  readonly ppm: readonly [number, number];
  readonly contextPpm: number;
  readonly wanderPpm?: number;
  /** A stall of the second source's arrivals each so many seconds. */
  readonly stallSeconds?: number;
}

const PAIRS: readonly Pair[] = [
  { ppm: [0, 300], contextPpm: 0 },
  { ppm: [500, -500], contextPpm: 0 },
  { ppm: [-500, 500], contextPpm: 300 },
  { ppm: [100, -100], contextPpm: 0, wanderPpm: 10 },
  { ppm: [500, -500], contextPpm: 0, stallSeconds: 90 },
];

/**
 * An hour of two sources whose clocks are off, with jitter of arrivals and of timestamps, measured by the true time of
 * what is heard; and a minute of a tone. Nobody else aligns sources in a page, so there is nobody to compare with.
 */
export function run(): readonly Row[] {
  return [...PAIRS.flatMap(anHour), ...aTone(300), ...aTone(-500)];
}

function anHour({ ppm, contextPpm, wanderPpm = 0, stallSeconds }: Pair): readonly Row[] {
  const stalls: [number, number][] = [];
  for (let at = stallSeconds; at !== undefined && at < SECONDS; at += stallSeconds!) {
    stalls.push([at, at + 0.15]);
  }
  const near: SimulatedSource = {
    sampleRate: RATE,
    ppm: ppm[0],
    wanderPpm,
    latencyMs: 3,
    jitterMs: 2,
    timestampJitterMs: 1,
    signal: timeSignal,
    seed: 1,
  };
  const far = {
    ...near,
    ppm: ppm[1],
    wanderSeconds: 350,
    latencyMs: 25,
    jitterMs: 4,
    blockMs: 20,
    seed: 2,
    stalls,
  };
  const rig = new ClockRig({ sampleRate: RATE, ppm: contextPpm, quantum: QUANTUM }, [near, far]);
  let worst = 0;
  let settled = 0;
  let alone = 0;
  let delay = 0;
  rig.run(START_SECONDS);
  rig.run(SECONDS, (seconds) => {
    const a = timeOf(rig.feeds[0]!.output, 0);
    const b = timeOf(rig.feeds[1]!.output, 0);
    const offset = Math.abs(1000 * apart(a, b));
    if (Number.isNaN(offset)) {
      alone++;
      return;
    }
    delay = Math.max(delay, 1000 * apart(seconds, a));
    if (offset > worst) worst = offset;
    if (seconds > SETTLED_SECONDS && offset > settled) settled = offset;
  });
  const name =
    `${ppm.join(' and ')} ppm, context ${contextPpm} ppm` +
    (wanderPpm > 0 ? `, wandering by ${wanderPpm} ppm` : '') +
    (stalls.length > 0 ? `, ${stalls.length} stalls of 150 ms` : '') +
    `, ${SECONDS / 60} min`;
  const row = rowOf(name);
  return [
    row(`largest offset after ${START_SECONDS} s`, worst, 'ms'),
    row(`largest offset after ${SETTLED_SECONDS} s`, settled, 'ms'),
    row('largest delay', delay, 'ms'),
    row('quanta without one of both', alone, ''),
    ...rig.feeds.flatMap(({ aligner }, i) => [
      row(`drift of source ${i} as estimated`, (aligner.ratio - 1) * 1e6, 'ppm'),
      row(`frames of source ${i} dropped`, aligner.droppedFrames, ''),
      row(`gaps of source ${i}`, aligner.gaps, ''),
    ]),
  ];
}

/** At 48 kHz. */
function aTone(ppm: number): readonly Row[] {
  const rate = 48_000;
  const frequency = 997;
  const rig = new ClockRig({ sampleRate: rate }, [
    {
      sampleRate: rate,
      ppm,
      latencyMs: 3,
      jitterMs: 2,
      timestampJitterMs: 1,
      channels: 1,
      signal: (seconds) => 0.5 * Math.sin(2 * Math.PI * frequency * seconds),
    },
  ]);
  rig.run(SETTLED_SECONDS);
  const heard = new Float32Array(60 * rate);
  let frames = 0;
  const { output } = rig.feeds[0]!;
  rig.run(SETTLED_SECONDS + 60, () => {
    if (frames + output[0]!.length > heard.length) return;
    heard.set(output[0]!, frames);
    frames += output[0]!.length;
  });
  const signal = heard.subarray(0, frames);
  const found = tones(signal, frequency / rate);
  const row = rowOf(`a tone of ${frequency} Hz, ${ppm} ppm, second minute`);
  const noise = found.map((tone) => decibels(tone.amplitude / Math.SQRT2 / tone.residual));
  const cents = found.map(({ ratio }) => Math.abs(1200 * Math.log2(ratio)));
  return [
    row('signal to noise, median of 50 ms', median(noise), 'dB'),
    row('signal to noise, least', Math.min(...noise), 'dB'),
    row('largest step that is not the tone', decibels(roughest(signal, frequency / rate)), 'dBFS'),
    row('pitch error, median', median(cents), 'cents'),
    row('pitch error, largest', Math.max(...cents), 'cents'),
  ];
}

function rowOf(name: string): (metric: string, value: number, unit: string) => Row {
  return (metric, value, unit) => ({ case: name, subject: 'micwire', metric, value, unit });
}

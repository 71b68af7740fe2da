import { SIGNAL_PERIOD_SECONDS } from './numbered-signal.ts';
import type { NumberedSignalReader, SignalReading } from './numbered-signal.ts';

/** Frames in a row that are of one kind. */
export interface SignalRun {
  readonly from: number;
  readonly frames: number;
  /** Whose signal; `'zeros'` exactly, or `'other'`: fades, clicks, and runs that are too short to tell. */
  readonly source: number | 'zeros' | 'other';
  /** Time of the run's first frame in the signal of its source, seconds; 0 if there is none. */
  readonly seconds: number;
  /** Of the frame after its last. It need not be `frames` later to the frame: engines follow clocks. */
  readonly endSeconds: number;
}

/** Largest difference between a sample and the signal that it belongs to. */
const SAMPLE_TOLERANCE = 2e-3;

/** How far a resampler that follows a clock may be from its rate. */
const MAX_DRIFT = 0.002;

interface Anchored {
  readonly reading: SignalReading;
  readonly at: number;
}

/** Divides audio into runs, to the sample: every frame is in one of them. Runs of a signal have no jump. */
export function signalRuns(samples: Float32Array, reader: NumberedSignalReader): SignalRun[] {
  const { windowFrames, sampleRate } = reader;
  const found: { first: Anchored; last: Anchored }[] = [];
  for (let at = 0; at + windowFrames <= samples.length; at += windowFrames) {
    const reading = reader.read(samples, at);
    if (reading.source < 0) continue;
    const anchored = { reading, at };
    const run = found.at(-1);
    if (run !== undefined && continues(run.last, anchored, windowFrames, sampleRate)) {
      run.last = anchored;
    } else {
      found.push({ first: anchored, last: anchored });
    }
  }
  const runs: SignalRun[] = [];
  let end = 0;
  for (const [index, { first, last }] of found.entries()) {
    const before = reader.predictor(first.reading, samples, first.at);
    let from = first.at;
    while (from > end && fits(samples[from - 1]!, before(from - 1 - first.at))) from--;
    pushRest(runs, samples, end, from);
    const after = reader.predictor(last.reading, samples, last.at);
    end = last.at + windowFrames;
    const limit = found[index + 1]?.first.at ?? samples.length;
    while (end < limit && fits(samples[end]!, after(end - last.at))) end++;
    const seconds = wrap(first.reading.seconds - (first.at - from) / sampleRate);
    const endSeconds = wrap(last.reading.seconds + (end - last.at) / sampleRate);
    runs.push({ from, frames: end - from, source: first.reading.source, seconds, endSeconds });
  }
  pushRest(runs, samples, end, samples.length);
  return runs;
}

/** Difference of two times in the signal, the short way round. */
export function secondsBetween(from: number, to: number): number {
  const half = SIGNAL_PERIOD_SECONDS / 2;
  return wrap(to - from + half) - half;
}

function wrap(seconds: number): number {
  return ((seconds % SIGNAL_PERIOD_SECONDS) + SIGNAL_PERIOD_SECONDS) % SIGNAL_PERIOD_SECONDS;
}

function fits(sample: number, expected: number): boolean {
  return Math.abs(sample - expected) < SAMPLE_TOLERANCE;
}

function continues(last: Anchored, next: Anchored, windowFrames: number, rate: number): boolean {
  if (last.reading.source !== next.reading.source || next.at - last.at !== windowFrames) {
    return false;
  }
  const step = secondsBetween(last.reading.seconds, next.reading.seconds);
  return Math.abs(step - windowFrames / rate) < (0.5 + MAX_DRIFT * windowFrames) / rate;
}

/** What belongs to no signal, divided into exact zeros and the rest. A zero crossing is no silence: eight in a row are. */
function pushRest(runs: SignalRun[], samples: Float32Array, from: number, to: number): void {
  let start = from;
  while (start < to) {
    let end = start;
    while (end < to && samples[end] === 0) end++;
    const zeros = end - start >= 8;
    if (!zeros) {
      end = Math.max(end, start + 1);
      while (end < to && !silentFrom(samples, end, to)) end++;
    }
    const source = zeros ? 'zeros' : 'other';
    runs.push({ from: start, frames: end - start, source, seconds: 0, endSeconds: 0 });
    start = end;
  }
}

function silentFrom(samples: Float32Array, at: number, to: number): boolean {
  if (at + 8 > to) return false;
  for (let n = at; n < at + 8; n++) if (samples[n] !== 0) return false;
  return true;
}

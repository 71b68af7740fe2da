import { Resampler } from '../src/core/resampler/resampler.ts';
import { decibels, fitSine, rootMeanSquare } from '../test/helpers/sine-fit.ts';
import { micwireStreams } from './adapters/micwire-streams.mjs';
import type { Adapter } from './adapters/micwire-streams.mjs';
import { nativePeers, wasmPeers } from './adapters/resampler-peers.mjs';
import type { Row } from './measure.ts';
import { PAIRS } from './resampler.bench.ts';

const BLOCK = 128;
/** Each tone lasts so long, with raised-cosine edges; its middle is analysed. */
const TONE_SECONDS = 0.3;
const EDGE_SECONDS = 0.02;
const AMPLITUDE = 0.5;

/** What a conversion gave: all its frames, and how many had come out after each block. */
interface Conversion {
  readonly output: Float32Array;
  readonly counts: readonly number[];
}
type Convert = (input: Float32Array, from: number, to: number) => Promise<Conversion>;

/**
 * Quality over the pairs of rates that voice meets, by least-squares fits to steady tones: what is not the tone is noise, alias
 * or image. `THD+N` counts tones up to 0.90 of the lower Nyquist frequency, `alias` tones from 1.10 (strict: 1.003) of it on;
 * `latency` is the longest wait of a frame, from its instant to the end of the block that brought it out.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const subjects: [string, Convert][] = [
    ...[...micwireStreams(Resampler), ...(await wasmPeers())].map((adapter): [string, Convert] => [
      adapter.name,
      streaming(adapter),
    ]),
    ...nativePeers(process.cwd()).map((native): [string, Convert] => [
      native.name,
      async (input, from, to) => native.convert(input, from, to, BLOCK),
    ]),
  ];
  for (const [from, to] of PAIRS) {
    for (const [subject, convert] of subjects) {
      const name = `${from} → ${to}`;
      const figures = await measure(convert, from, to, subject.includes('strict'));
      for (const [metric, [value, unit]] of Object.entries(figures)) {
        rows.push({ case: name, subject, metric, value, unit });
      }
    }
  }
  return rows;
}

function streaming(adapter: Adapter): Convert {
  return async (input, from, to) => {
    const stream = await adapter.create(from, to, 1);
    const parts: Float32Array[] = [];
    const counts: number[] = [];
    let total = 0;
    const take = (part: Float32Array): void => {
      parts.push(part.slice());
      total += part.length;
    };
    for (let at = 0; at < input.length; at += BLOCK) {
      take(stream.process(input.subarray(at, at + BLOCK)));
      counts.push(total);
    }
    if (stream.flush) take(stream.flush());
    stream.destroy?.();
    const output = new Float32Array(total);
    let at = 0;
    for (const part of parts) {
      output.set(part, at);
      at += part.length;
    }
    return { output, counts };
  };
}

type Figures = Record<string, readonly [value: number, unit: string]>;

async function measure(
  convert: Convert,
  from: number,
  to: number,
  strict: boolean,
): Promise<Figures> {
  const nyquist = Math.min(from, to) / 2;
  const pass = [0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9];
  const edge = Array.from({ length: 14 }, (_, i) => 0.86 + 0.01 * i);
  const highest = (0.985 * from) / 2 / nyquist;
  const lowest = strict ? 1.003 : 1.1;
  const stop: number[] = [];
  for (let part = lowest; part < highest; part += (highest - lowest) / 16) stop.push(part);
  const tones = [...pass, ...edge, ...stop].map((part) =>
    Math.min(part * nyquist + 1.7, 0.4985 * from),
  );

  const segment = Math.round(TONE_SECONDS * from);
  const input = toneSequence(tones, segment, from);
  const { output, counts } = await convert(input, from, to);
  const delay = await delaySeconds(convert, from, to);
  const middle = (index: number): [number, number] => {
    const start = (index * segment) / from + delay;
    return [
      Math.round((start + 0.3 * TONE_SECONDS) * to),
      Math.min(output.length, Math.round((start + 0.7 * TONE_SECONDS) * to)),
    ];
  };
  const rms = AMPLITUDE * Math.SQRT1_2;

  let thdn = Infinity;
  pass.forEach((_, i) => {
    const [first, last] = middle(i);
    const fit = fitSine(output, first, last, tones[i]! / to);
    thdn = Math.min(thdn, -decibels(fit.residual / rms));
  });
  let before = 0;
  let edgeAt = 1;
  for (let i = 0; i < edge.length; i++) {
    const [first, last] = middle(pass.length + i);
    const gain = decibels(
      fitSine(output, first, last, tones[pass.length + i]! / to).amplitude / AMPLITUDE,
    );
    if (gain < -0.1) {
      const share = i === 0 ? 1 : (before + 0.1) / (before - gain);
      edgeAt = edge[i]! - 0.01 * (1 - share);
      break;
    }
    before = gain;
  }
  let alias = -Infinity;
  stop.forEach((_, i) => {
    const [first, last] = middle(pass.length + edge.length + i);
    alias = Math.max(alias, decibels(rootMeanSquare(output, first, last) / rms));
  });
  return {
    'THD+N': [thdn, 'dB'],
    '−0.1 dB at': [edgeAt, '× lower Nyquist'],
    ...(to < from && stop.length > 0 ? { alias: [alias, 'dB'] } : {}),
    latency: [1000 * latencySeconds(counts, from, to, delay), 'ms'],
  };
}

/** The longest time from an output frame's instant to the end of the block that brought it out, over the second half. */
function latencySeconds(
  counts: readonly number[],
  from: number,
  to: number,
  delay: number,
): number {
  let longest = 0;
  for (let block = counts.length >> 1; block + 1 < counts.length; block++) {
    if (counts[block] === counts[block - 1]) continue;
    const instant = (counts[block - 1] ?? 0) / to - delay;
    longest = Math.max(longest, ((block + 1) * BLOCK - 1) / from - instant);
  }
  return longest;
}

/** How far the stream lags behind its input, from the phases of two low tones. */
async function delaySeconds(convert: Convert, from: number, to: number): Promise<number> {
  // A Gaussian pulse finds the delay to a frame, the phase of a tone finds the rest.
  const frames = Math.ceil(from / BLOCK) * BLOCK;
  const centre = frames >> 1;
  const width = 2 * Math.max(1, from / to);
  const pulse = Float32Array.from({ length: frames }, (_, i) =>
    Math.exp(-(((i - centre) / width) ** 2)),
  );
  const { output } = await convert(pulse, from, to);
  let peak = 0;
  output.forEach((value, i) => {
    if (value > output[peak]!) peak = i;
  });
  const coarse = peak / to - centre / from;
  const hertz = 200;
  const tone = Float32Array.from({ length: frames }, (_, i) =>
    Math.cos((2 * Math.PI * hertz * i) / from),
  );
  const { output: heard } = await convert(tone, from, to);
  const first = heard.length >> 1;
  const { phase } = fitSine(heard, first, heard.length - (heard.length >> 2), hertz / to);
  const turns = Math.round(coarse * hertz + phase / (2 * Math.PI));
  return (turns - phase / (2 * Math.PI)) / hertz;
}

function toneSequence(tones: readonly number[], segment: number, rate: number): Float32Array {
  const signal = new Float32Array(segment * (tones.length + 1));
  const edge = EDGE_SECONDS * rate;
  tones.forEach((hertz, index) => {
    for (let i = 0; i < segment; i++) {
      const nearest = Math.min(i, segment - 1 - i) / edge;
      const gain = nearest < 1 ? 0.5 - 0.5 * Math.cos(Math.PI * nearest) : 1;
      const at = index * segment + i;
      signal[at] = AMPLITUDE * gain * Math.cos((2 * Math.PI * hertz * at) / rate);
    }
  });
  return signal;
}

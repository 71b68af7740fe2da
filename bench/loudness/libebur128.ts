import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from '../../test/helpers/loudness-cases.ts';

/** Suites run from the repository's root. */
const BENCH = join(process.cwd(), 'bench');
const PROGRAM = join(BENCH, 'node_modules/.native/loudness-file');

/** Compiles the program; false where gcc or libebur128 is missing. */
export function buildLibebur128(): boolean {
  if (existsSync(PROGRAM)) return true;
  mkdirSync(join(PROGRAM, '..'), { recursive: true });
  const source = join(BENCH, 'native/loudness-file.c');
  const flags = ['-O3', '-march=native', source, '-o', PROGRAM, '-lebur128', '-lm'];
  return spawnSync('gcc', flags, { stdio: 'ignore' }).status === 0;
}

/** Meters a signal with M and S read every 10 ms. */
export function measureWithLibebur128(
  channels: readonly Float32Array[],
  sampleRate: number,
): Measurement {
  const answer = run(['measure', String(sampleRate), String(channels.length), '10'], channels);
  const found = JSON.parse(answer, (_, value: unknown) => (value === -999 ? -Infinity : value)) as {
    maxMomentary: number;
    maxShortTerm: number;
    integrated: number;
    range: number;
    truePeak: number;
    step: number;
    momentary: number[];
    shortTerm: number[];
  };
  const { step, momentary, shortTerm, ...single } = found;
  return { ...single, series: { step, momentary, shortTerm } };
}

/** CPU time of metering a signal in blocks of 128 frames, ns: the median of `rounds`. */
export function timeLibebur128(
  channels: readonly Float32Array[],
  sampleRate: number,
  mode: 'loudness' | 'all',
  rounds: number,
): number {
  const options = [String(sampleRate), String(channels.length), '128', mode, String(rounds)];
  return (JSON.parse(run(['time', ...options], channels)) as { medianNs: number }).medianNs;
}

function run(args: readonly string[], channels: readonly Float32Array[]): string {
  const input = Buffer.from(interleaved(channels).buffer);
  return execFileSync(PROGRAM, args, { input, maxBuffer: 2 ** 28, encoding: 'utf8' });
}

function interleaved(channels: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(channels.length * channels[0]!.length);
  for (const [channel, values] of channels.entries()) {
    for (let i = 0; i < values.length; i++) samples[i * channels.length + channel] = values[i]!;
  }
  return samples;
}

import type { LaneFigures } from './metrics.ts';

/** The result of one window of the reference in one lane. */
export interface WindowResult {
  /** Its first frame, by the context. */
  readonly frame: number;
  /** By how much the lane lags, in frames; −1 where it is silent. */
  readonly lagFrames: number;
  /** Normalised cross-correlation at that lag. */
  readonly correlation: number;
  /** Whether the output has it: recognised by its waveform, or in its place by its spectrum. */
  readonly found: boolean;
  /** Sum of the frames' segmental SNR, and how many there are; 0 of both where the window was not found. */
  readonly snrSumDb: number;
  readonly snrFrames: number;
  /** NaN where the window was not found. */
  readonly lsdDb: number;
  /** How much stronger the output is than the reference; NaN likewise. */
  readonly levelDb: number;
  /** Glitches that begin in it. */
  readonly glitches: number;
}

/** The figures that come from the audio itself, window by window. */
export type SoundFigures = Pick<
  LaneFigures,
  | 'latency_p50_ms'
  | 'latency_p95_ms'
  | 'match_ratio'
  | 'correlation'
  | 'seg_snr_db'
  | 'lsd_db'
  | 'level_db'
  | 'glitches_per_min'
>;

/** Correlation from which a window counts as recognised. */
export const RECOGNISED = 0.6;

/**
 * The figures of some windows.
 * @param windowFrames frames of a window
 */
export function soundFigures(
  windows: readonly WindowResult[],
  sampleRate: number,
  windowFrames: number,
): SoundFigures {
  const found = windows.filter((window) => window.found);
  const recognised = windows.filter(({ correlation }) => correlation >= RECOGNISED);
  const lags = recognised.map(({ lagFrames }) => (lagFrames * 1000) / sampleRate).sort(ascending);
  const distances = found.map(({ lsdDb }) => lsdDb).sort(ascending);
  const levels = recognised
    .map(({ levelDb }) => levelDb)
    .filter((level) => !Number.isNaN(level))
    .sort(ascending);
  const correlations = windows.map(({ correlation }) => correlation).sort(ascending);
  let snrSumDb = 0;
  let snrFrames = 0;
  let glitches = 0;
  for (const window of windows) {
    snrSumDb += window.snrSumDb;
    snrFrames += window.snrFrames;
    glitches += window.glitches;
  }
  const minutes = (windows.length * windowFrames) / sampleRate / 60;
  return {
    latency_p50_ms: quantile(lags, 0.5),
    latency_p95_ms: quantile(lags, 0.95),
    match_ratio: windows.length === 0 ? null : found.length / windows.length,
    correlation: quantile(correlations, 0.5),
    seg_snr_db: snrFrames === 0 ? null : snrSumDb / snrFrames,
    lsd_db: quantile(distances, 0.5),
    level_db: quantile(levels, 0.5),
    glitches_per_min: windows.length === 0 ? null : glitches / minutes,
  };
}

/** Nearest rank; null of nothing. @param sorted ascending */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

const ascending = (a: number, b: number): number => a - b;

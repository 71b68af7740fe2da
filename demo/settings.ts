import type { SampleFormat } from 'micwire/core';
import type { LaneId } from './lanes/lanes.ts';

/** Where the sound comes from. */
export type SourceKind = 'sample' | 'microphone';

/** What the user can choose about the way of the sound. Every change rebuilds the lane. */
export interface LaneSettings {
  readonly lane: LaneId;
  /** Wire rate in Hz. */
  readonly sampleRate: number;
  readonly format: SampleFormat;
  /** ms of sound in a chunk. */
  readonly chunkDuration: number;
  /** ms of sound that the playout keeps waiting. */
  readonly targetDelay: number;
}

/** The choices for `LaneSettings.sampleRate`. */
export const SAMPLE_RATES: readonly number[] = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
/** The choices for `LaneSettings.chunkDuration`. */
export const CHUNK_DURATIONS: readonly number[] = [5, 10, 20, 40, 60, 100, 250];
/** The range of `LaneSettings.targetDelay`. */
export const TARGET_DELAY = { min: 10, max: 500, step: 10 } as const;

/** The sample formats in the words of the page. */
export const FORMAT_LABELS: Readonly<Record<SampleFormat, string>> = {
  s16: '16-bit integer (s16)',
  s24: '24-bit integer (s24)',
  f32: '32-bit float (f32)',
  mulaw: '8-bit µ-law (G.711)',
  alaw: '8-bit A-law (G.711)',
};

/** What speech services take most often: 16 kHz, 16 bits, 20 ms. */
export const DEFAULT_SETTINGS: LaneSettings = {
  lane: 'pcm-base64-websocket',
  sampleRate: 16_000,
  format: 's16',
  chunkDuration: 20,
  targetDelay: 60,
};

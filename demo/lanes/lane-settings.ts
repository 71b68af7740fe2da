/** The settings of every lane. */
export interface CodingSettings {
  /** ms of audio in a chunk; of Opus, in a packet. */
  readonly chunkDurationMs: number;
  /** bit/s that Opus is asked for. */
  readonly bitrate: number;
  /** 0–10: how hard our encoder works. */
  readonly complexity: number;
}

/** Earlier packets that each packet repeats, 1–3; `'adaptive'`: 0–3, as the receiver's reports call for. */
export type Copies = number | 'adaptive';

/** The settings that all lanes side by side share, so that they do not differ by accident in what is compared. */
export interface LaneSettings extends CodingSettings {
  /** In the lane with redundancy. */
  readonly copies: Copies;
  /** How our receivers weigh delay against concealment: percent of concealed audio that 100 ms are worth, 0.01–100. */
  readonly latencyCost: number;
}

/** Hz, of what goes over the wire: the best rate of Opus, and the same for samples, so that both carry the same audio. */
export const LANE_SAMPLE_RATE = 48_000;
/** The choices for `bitrate`. */
export const BITRATES: readonly number[] = [
  6000, 8000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000, 96_000, 128_000,
];
/** The choices for `complexity`. */
export const COMPLEXITIES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** How long a packet of Opus may be, in the lab. */
export const OPUS_DURATIONS: readonly number[] = [10, 20, 40, 60];

/** Earlier packets that each packet repeats, 1–3; `'adaptive'`: 0–3, as the receiver's reports call for. */
export type Copies = number | 'adaptive';

/** What all lanes are told alike: whatever they are compared by must not differ by accident. */
export interface LaneSettings {
  /** ms of sound in a packet: 10, 20, 40 or 60. */
  readonly frameDuration: number;
  /** bit/s that Opus is asked for, in our lanes and in WebRTC's. */
  readonly bitrate: number;
  /** 0–10: how hard our encoder works. */
  readonly complexity: number;
  /** In the lane with redundancy. */
  readonly copies: Copies;
  /** What our receivers take waiting for, against concealing: percent of concealed audio that 100 ms are worth, 0.01–100. */
  readonly latencyCost: number;
}

/**
 * - `'opening'`: being built;
 * - `'running'`: sound goes through;
 * - `'waiting'`: the connection is lost, or not up yet, and comes back by itself;
 * - `'failed'`: broken for good, `reason` says why.
 */
export type LaneState = 'opening' | 'running' | 'waiting' | 'failed';

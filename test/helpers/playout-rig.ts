import { planResampler } from '../../src/core/dsp/resampler-planner.ts';
import { SampleEncoder } from '../../src/core/dsp/sample-format.ts';
import type { SampleFormat } from '../../src/core/dsp/sample-format.ts';
import type { BacklogMode } from '../../src/core/playout/backlog-policy.ts';
import { Player } from '../../src/core/playout/player.ts';

export interface RigOptions {
  readonly format?: SampleFormat;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly contextRate?: number;
  readonly targetFrames?: number;
  readonly backlog?: BacklogMode;
  readonly capacityFrames?: number;
}

export interface Ended {
  readonly item: number;
  readonly frames: number;
  readonly missed: number;
}

/** A player with what it told and what it rendered. */
export class PlayoutRig {
  readonly player: Player;
  readonly channels: number;
  readonly encoder: SampleEncoder;
  readonly ended: Ended[] = [];
  underruns = 0;
  /** Position of the last interrupt: item, frames from its start, frames of it left out. */
  interrupted: { item: number; frames: number; missed: number } | undefined;
  /** What was rendered so far, first channel first. */
  readonly rendered: number[][];

  constructor(options: RigOptions = {}) {
    const {
      format = 'f32',
      channels = 1,
      sampleRate = 24_000,
      contextRate = sampleRate,
      targetFrames = 0,
      backlog = 'keep',
      capacityFrames = 10 * sampleRate,
    } = options;
    this.channels = channels;
    this.encoder = new SampleEncoder({ format, channels });
    this.rendered = Array.from({ length: channels }, () => []);
    this.player = new Player(
      {
        format,
        channels,
        sampleRate,
        contextRate,
        outputChannels: channels,
        resampler:
          sampleRate === contextRate
            ? null
            : planResampler({ inputRate: sampleRate, outputRate: contextRate }),
        targetFrames,
        backlog,
        capacityFrames,
      },
      {
        ended: (item, frames, missed) => this.ended.push({ item, frames, missed }),
        underrun: () => this.underruns++,
        interrupted: () => {
          const { item, itemFrames, itemMissed } = this.player.timeline;
          this.interrupted = { item, frames: itemFrames, missed: itemMissed };
        },
      },
    );
  }

  /** Writes samples, the same in every channel but for the sign: odd channels are inverted. */
  write(item: number, samples: readonly number[] | Float32Array): number {
    return this.player.write(item, this.encode(samples));
  }

  encode(samples: readonly number[] | Float32Array): Uint8Array {
    const planar = this.rendered.map((_, c) =>
      Float32Array.from(samples, (sample) => (c % 2 === 0 ? sample : -sample)),
    );
    const bytes = new Uint8Array(samples.length * this.encoder.bytesPerFrame);
    this.encoder.encode(planar, 0, samples.length, bytes, 0);
    return bytes;
  }

  /** Renders quanta and returns the first channel's samples of them. */
  render(frames: number, quantum: number = frames): number[] {
    const from = this.rendered[0]!.length;
    for (let left = frames; left > 0; left -= quantum) {
      const count = Math.min(quantum, left);
      const output = this.rendered.map(() => new Float32Array(count).fill(Number.NaN));
      this.player.render(output);
      output.forEach((channel, c) => this.rendered[c]!.push(...channel));
    }
    return this.rendered[0]!.slice(from);
  }

  /** received − (heard + skipped + interrupted + buffered): must be 0. */
  get unaccounted(): number {
    const { received, heard, skipped, interrupted, buffered } = this.player.timeline;
    return received - (heard + skipped + interrupted + buffered);
  }
}

/** Samples whose value tells their place: `from`, `from + 1`, …, each times `step`. */
export function ramp(frames: number, from = 0, step: number = 2 ** -20): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => (from + i) * step);
}

export function sine(frames: number, hz: number, sampleRate: number, from = 0): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => {
    return 0.5 * Math.sin((2 * Math.PI * hz * (from + i)) / sampleRate);
  });
}

/** The greatest step between neighbours. */
export function steepest(samples: readonly number[] | Float32Array): number {
  let steepest = 0;
  for (let i = 1; i < samples.length; i++) {
    steepest = Math.max(steepest, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return steepest;
}

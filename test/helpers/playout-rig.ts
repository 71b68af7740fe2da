import { planResampler } from '../../src/core/resampler/resampler-planner.ts';
import { SampleEncoder } from '../../src/core/format/sample-format.ts';
import type { SampleFormat } from '../../src/core/format/formats.ts';
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
  /** The output frame after the last one; −1 where it is not known. */
  readonly at: number;
}

export interface Marked {
  readonly item: number;
  readonly frames: number;
  readonly name: string;
  readonly at: number;
  /** The first output frame of the quantum in which it was told; between two, of the next. */
  readonly quantum: number;
}

/** A player with what it told and what it rendered. */
export class PlayoutRig {
  readonly player: Player;
  readonly channels: number;
  readonly encoder: SampleEncoder;
  readonly ended: Ended[] = [];
  readonly marked: Marked[] = [];
  /** Frames left out, by item. */
  readonly skipped = new Map<number, number>();
  underruns = 0;
  /** Position of the last interrupt: item, frames from its start, frames of it left out. */
  interrupted: { item: number; frames: number; missed: number; at: number } | undefined;
  readonly #rendered: Float32Array[];
  #frames = 0;

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
    this.#rendered = Array.from({ length: channels }, () => new Float32Array(1 << 14));
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
        ended: (item, frames, missed, at) => this.ended.push({ item, frames, missed, at }),
        marked: (item, frames, name, at) => {
          this.marked.push({ item, frames, name, at, quantum: this.#frames });
        },
        skipped: (item, frames) => {
          this.skipped.set(item, (this.skipped.get(item) ?? 0) + frames);
        },
        underrun: () => this.underruns++,
        interrupted: (_taken, at) => {
          const { item, itemFrames, itemMissed } = this.player.timeline;
          this.interrupted = { item, frames: itemFrames, missed: itemMissed, at };
        },
      },
    );
  }

  /** Writes samples, the same in every channel but for the sign: odd channels are inverted. */
  write(item: number, samples: readonly number[] | Float32Array, afterGap = false): number {
    return this.player.write(item, this.encode(samples), afterGap);
  }

  encode(samples: readonly number[] | Float32Array): Uint8Array {
    const planar = this.#rendered.map((_, c) =>
      Float32Array.from(samples, (sample) => (c % 2 === 0 ? sample : -sample)),
    );
    const bytes = new Uint8Array(samples.length * this.encoder.bytesPerFrame);
    this.encoder.encode(planar, 0, samples.length, bytes, 0);
    return bytes;
  }

  /** What was rendered so far in a channel. */
  rendered(channel = 0): Float32Array {
    return this.#rendered[channel]!.subarray(0, this.#frames);
  }

  /** Renders quanta and returns the first channel's samples of them. */
  render(frames: number, quantum: number = frames): Float32Array {
    const from = this.#frames;
    for (let left = frames; left > 0; left -= quantum) {
      const count = Math.min(quantum, left);
      const output = this.#rendered.map(() => new Float32Array(count).fill(Number.NaN));
      this.player.render(output, this.#frames);
      output.forEach((samples, c) => this.#append(c, samples));
      this.#frames += count;
    }
    return this.rendered().subarray(from);
  }

  #append(channel: number, samples: Float32Array): void {
    const before = this.#rendered[channel]!;
    if (this.#frames + samples.length > before.length) {
      this.#rendered[channel] = new Float32Array(2 * before.length + samples.length);
      this.#rendered[channel].set(before);
    }
    this.#rendered[channel]!.set(samples, this.#frames);
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
export function steepest(samples: Float32Array): number {
  let steepest = 0;
  for (let i = 1; i < samples.length; i++) {
    steepest = Math.max(steepest, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return steepest;
}

/** Index of the first sample that differs; −1 when all are the same. */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((sample, i) => sample !== b[i]);
}

/** Index of the first sample that is not silent; −1 when all are. */
export function firstSound(samples: Float32Array): number {
  return samples.findIndex((sample) => sample !== 0);
}

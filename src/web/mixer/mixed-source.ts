import { SOURCE, SOURCE_FIELDS } from '../../core/align/mixer-report.ts';
import { numberIn } from '../../core/arguments.ts';
import type { CaptureSource } from '../capture-source.ts';

/**
 * State of a source in a mixer: `'waiting'`: no audio has come yet, or none is coming; `'playing'`; `'ended'`: the track is
 * over, or the microphone is closed; `'removed'`.
 */
export type MixedSourceState = 'waiting' | 'playing' | 'ended' | 'removed';

/** Figures of a source. Frames of the context since it was added = present + missing + paused. */
export interface MixedSourceStats {
  /** By how much the source's clock is fast against the context's, ppm; 0 until known, and where `aligned` is false. */
  readonly driftPpm: number;
  /** By how much the source is heard too early at present, ms; negative: too late. 0 where `aligned` is false. */
  readonly offsetMs: number;
  /** The delay that the mixer adds, ms after the fastest arrival. 0 where `aligned` is false. */
  readonly delayMs: number;
  /** Audio that waits in the mixer, ms. */
  readonly bufferedMs: number;
  /** Frames of the source that came too late, or were left out so that sources stay together. */
  readonly droppedFrames: number;
  /** Frames of the context with the source's audio. */
  readonly presentFrames: number;
  /** Without: the other sources continued. */
  readonly missingFrames: number;
  /** Frames in which nobody talked (push-to-talk). */
  readonly pausedFrames: number;
  /** How often audio was missing. */
  readonly gaps: number;
}

/** What a mixer does for one of its sources. */
export interface SourceControl {
  /** The figures, in the order of `SOURCE_FIELDS`, from `at` on. */
  figures(): { readonly values: Float64Array; readonly at: number };
  setGain(gain: number): void;
}

/** One source of a `SourceMixer`: what `add` returns. */
export class MixedSource {
  /** As it was given. */
  readonly source: CaptureSource;
  /**
   * Whether micwire measures this source's clock and takes the drift out. False for nodes, which are on the context's clock
   * already, for a `Microphone`, and for tracks in engines that do not give their timestamps: there the engine itself puts
   * the track on the context's clock.
   */
  readonly aligned: boolean;
  readonly #control: SourceControl;
  #gain: number;
  #ended = false;
  /** The last figures, once it is removed. */
  #last: Float64Array | null = null;

  /** @internal */
  constructor(source: CaptureSource, aligned: boolean, gain: number, control: SourceControl) {
    this.source = source;
    this.aligned = aligned;
    this.#gain = gain;
    this.#control = control;
  }

  /** Factor, 0–100. Changes within 10 ms. @throws TypeError or RangeError */
  get gain(): number {
    return this.#gain;
  }
  set gain(gain: number) {
    this.#gain = gainOf(gain);
    if (this.#last === null) this.#control.setGain(gain);
  }

  /** State of the source: at most 50 ms old while the context runs. */
  get state(): MixedSourceState {
    if (this.#last !== null) return 'removed';
    if (this.#ended) return 'ended';
    const { values, at } = this.#control.figures();
    return values[at + SOURCE.playing] === 1 ? 'playing' : 'waiting';
  }

  /** Figures so far: at most 50 ms old while the context runs. */
  get stats(): MixedSourceStats {
    const { values, at } =
      this.#last === null ? this.#control.figures() : { values: this.#last, at: 0 };
    const figure = (name: keyof typeof SOURCE): number => values[at + SOURCE[name]] ?? 0;
    return {
      driftPpm: figure('driftPpm'),
      offsetMs: figure('offsetMs'),
      delayMs: figure('delayMs'),
      bufferedMs: figure('bufferedMs'),
      droppedFrames: figure('droppedFrames'),
      presentFrames: figure('presentFrames'),
      missingFrames: figure('missingFrames'),
      pausedFrames: figure('pausedFrames'),
      gaps: figure('gaps'),
    };
  }

  /** @internal */
  end(): void {
    this.#ended = true;
  }

  /** @internal */
  leave(values: Float64Array | null): void {
    this.#last = values ?? new Float64Array(SOURCE_FIELDS.length);
  }
}

const MAX_GAIN = 100;

/** @throws TypeError or RangeError */
export function gainOf(gain: number): number {
  return numberIn('gain', gain, 0, MAX_GAIN);
}

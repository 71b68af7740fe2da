import { SOURCE, SOURCE_FIELDS } from '../../core/align/mixer-report.ts';
import { numberIn } from '../../core/arguments.ts';
import type { CaptureSource } from '../capture-source.ts';

/**
 * State of a source in a mixer: `'waiting'`: no audio has arrived yet, or none is arriving now; `'playing'`: audio is heard;
 * `'ended'`: the track has ended, or the microphone is closed; `'removed'`: removed by `remove()`.
 */
export type MixedSourceState = 'waiting' | 'playing' | 'ended' | 'removed';

/** Statistics of a source. The frames of the context since the source was added are present + missing + paused. */
export interface MixedSourceStats {
  /** How much faster the source's clock runs than the context's, in ppm; 0 until known, and where `aligned` is false. */
  readonly driftPpm: number;
  /** How much too early the source is heard at present, in ms; negative if it is too late. 0 where `aligned` is false. */
  readonly offsetMs: number;
  /** The delay that the mixer adds, in ms after the fastest arrival. 0 where `aligned` is false. */
  readonly delayMs: number;
  /** Length of the audio that waits in the mixer, in ms. */
  readonly bufferedMs: number;
  /** Frames of the source that arrived too late, or were left out to keep the sources aligned. */
  readonly droppedFrames: number;
  /** Frames of the context with the source's audio. */
  readonly presentFrames: number;
  /** Frames of the context without the source's audio, while the other sources continued. */
  readonly missingFrames: number;
  /** Frames outside `hold()` and `release()` of a push-to-talk microphone. */
  readonly pausedFrames: number;
  /** How often audio was missing. */
  readonly gaps: number;
}

/** What a source needs from its mixer. */
export interface SourceControl {
  /** The statistics, in the order of `SOURCE_FIELDS`, starting at `at`. */
  figures(): { readonly values: Float64Array; readonly at: number };
  setGain(gain: number): void;
}

/** One source of a `SourceMixer`: what `add` returns. */
export class MixedSource {
  /** The source that was passed to the mixer. */
  readonly source: CaptureSource;
  /**
   * Whether micwire measures this source's clock and compensates its drift. False for nodes, which run on the context's clock
   * already, for a `Microphone`, and for tracks in engines that do not expose timestamps: there the engine itself aligns the track
   * to the context's clock.
   */
  readonly aligned: boolean;
  readonly #control: SourceControl;
  #gain: number;
  #ended = false;
  /** The final statistics, once the source is removed. */
  #last: Float64Array | null = null;

  /** @internal */
  constructor(source: CaptureSource, aligned: boolean, gain: number, control: SourceControl) {
    this.source = source;
    this.aligned = aligned;
    this.#gain = gain;
    this.#control = control;
  }

  /** Linear gain of the source, 0–100. A change takes effect within 10 ms. @throws TypeError or RangeError */
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

  /** Statistics so far: at most 50 ms old while the context runs. */
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

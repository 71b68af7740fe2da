import { WaveHistory } from '../../core/metering/wave-history.ts';
import { nodeOf } from './element-source.ts';
import type { ElementSource } from './element-source.ts';

const COLUMNS_PER_SECOND = 200;
/** 0.7 s at 48 kHz: an animation frame may be this late before the waveform has a gap. */
const ANALYSER_SIZE = 32_768;

/** Reads the waveform of a node through an `AnalyserNode`, which costs the audio thread almost no time. */
export class WaveTap {
  readonly history: WaveHistory;
  readonly #node: AudioNode;
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(ANALYSER_SIZE);

  constructor(source: ElementSource, seconds: number) {
    this.#node = nodeOf(source);
    const { context } = this.#node;
    this.#analyser = new AnalyserNode(context, {
      fftSize: ANALYSER_SIZE,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    this.history = new WaveHistory({
      // The drawn waveform lags a little.
      seconds: seconds + 0.5,
      columnsPerSecond: COLUMNS_PER_SECOND,
      sampleRate: context.sampleRate,
    });
    this.#node.connect(this.#analyser);
  }

  /** Time directly after the last sample, in seconds. */
  get time(): number {
    return this.#node.context.currentTime;
  }

  /** Reads the waveform up to now. Allocates nothing. */
  take(): void {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.history.add(this.#samples, this.time);
  }

  /** Returns the highest absolute sample of the history. */
  peak(): number {
    const { history } = this;
    const last = Math.floor(this.time * history.columnsPerSecond);
    let peak = 0;
    for (let column = Math.max(0, last - history.columns + 1); column <= last; column++) {
      peak = Math.max(peak, history.high(column), -history.low(column));
    }
    return peak;
  }

  close(): void {
    // The node may have been removed from the graph already.
    try {
      this.#node.disconnect(this.#analyser);
    } catch {}
  }
}

import { Meter } from 'micwire';
import { WaveHistory } from 'micwire/metering';

/** Levels of one channel in dBFS; silence is −∞. */
export interface Levels {
  readonly peakDbfs: number;
  readonly heldPeakDbfs: number;
  readonly rmsDbfs: number;
  /** Samples at full scale since the start. */
  readonly clips: number;
}

/** Seconds that the scope shows. */
export const SCOPE_SECONDS = 5;
const COLUMNS_PER_SECOND = 180;
/** 0.7 s at 48 kHz: how late an animation frame may be before the waveform has a hole. */
const ANALYSER_SIZE = 32_768;

/** Listens in on a node: its levels from a `Meter`, its waveform from an AnalyserNode. Does not change the audio. */
export class Tap {
  readonly history: WaveHistory;
  readonly #source: AudioNode;
  readonly #meter: Meter;
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(ANALYSER_SIZE);
  readonly #reading: ReturnType<Meter['createReading']>;

  static async create(source: AudioNode): Promise<Tap> {
    return new Tap(source, await Meter.create(source.context, { channels: 1 }));
  }

  private constructor(source: AudioNode, meter: Meter) {
    this.#source = source;
    this.#meter = meter;
    this.#reading = meter.createReading();
    this.#analyser = new AnalyserNode(source.context, { fftSize: ANALYSER_SIZE, channelCount: 1 });
    this.history = new WaveHistory({
      seconds: SCOPE_SECONDS + 0.5,
      columnsPerSecond: COLUMNS_PER_SECOND,
      sampleRate: source.context.sampleRate,
    });
    source.connect(meter.node);
    source.connect(this.#analyser);
  }

  /** Takes in the waveform up to now. Call it once per animation frame. */
  update(): void {
    const { currentTime } = this.#source.context;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.history.add(this.#samples, currentTime);
  }

  /** The levels now. */
  get levels(): Levels {
    this.#meter.read(this.#reading);
    const { peakDbfs, heldPeakDbfs, rmsDbfs, clips } = this.#reading;
    return {
      peakDbfs: peakDbfs[0]!,
      heldPeakDbfs: heldPeakDbfs[0]!,
      rmsDbfs: rmsDbfs[0]!,
      clips: clips[0]!,
    };
  }

  close(): void {
    // The node may be gone from the graph already, with the lane that it belonged to.
    try {
      this.#source.disconnect(this.#meter.node);
      this.#source.disconnect(this.#analyser);
    } catch {}
    void this.#meter.close();
  }
}

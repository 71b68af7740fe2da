import { WaveHistory } from 'micwire/metering';

/** 85 ms at 48 kHz: how late an animation frame may be before the strip has a hole. */
const ANALYSER_SIZE = 4096;
/** The time over which the level is measured, ms: about two animation frames. */
const LEVEL_MS = 40;
/** How fast the level falls, in dB a second, so that it can be read. */
const FALL_DB_PER_SECOND = 26;
const FLOOR_DBFS = -90;

/**
 * Reads a node's waveform and level for display only, with an AnalyserNode, which costs the audio thread next to nothing: there are many of
 * them at once. Anything that must be exact uses a `Meter`.
 */
export class SoundTap {
  readonly history: WaveHistory;
  /** dBFS (RMS), falling slowly; below −90: silence. */
  levelDbfs = -Infinity;
  readonly node: AudioNode;
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(ANALYSER_SIZE);
  /** The context's time up to which the audio has been read. */
  #readUntil: number;

  /**
   * @param seconds that the history holds
   * @param columnsPerSecond its resolution
   */
  constructor(node: AudioNode, seconds: number, columnsPerSecond: number) {
    this.node = node;
    const { sampleRate } = node.context;
    this.history = new WaveHistory({ seconds: seconds + 0.5, columnsPerSecond, sampleRate });
    this.#analyser = new AnalyserNode(node.context, { fftSize: ANALYSER_SIZE, channelCount: 1 });
    this.#readUntil = node.context.currentTime;
    node.connect(this.#analyser);
  }

  /** Takes in the audio up to now. Call it once per animation frame. */
  update(): void {
    const { currentTime, sampleRate } = this.node.context;
    const elapsed = currentTime - this.#readUntil;
    const frames = Math.round(elapsed * sampleRate);
    if (frames <= 0) return;
    const samples = this.#samples;
    this.#analyser.getFloatTimeDomainData(samples);
    this.history.add(samples, currentTime);
    this.#readUntil = currentTime;
    let energy = 0;
    const from = samples.length - Math.round((LEVEL_MS / 1000) * sampleRate);
    for (let i = from; i < samples.length; i++) energy += samples[i]! ** 2;
    const now = 10 * Math.log10(energy / (samples.length - from));
    const level = Math.max(now, this.levelDbfs - FALL_DB_PER_SECOND * elapsed);
    this.levelDbfs = level < FLOOR_DBFS ? -Infinity : level;
  }

  close(): void {
    // The node may be gone from the graph already, with the lane that it belonged to.
    try {
      this.node.disconnect(this.#analyser);
    } catch {}
  }
}

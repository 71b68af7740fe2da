/** Order of the spectral shape: enough for the tilt and the hum of a room. */
const ORDER = 10;
/** Length of the pieces that are looked at. */
const PIECE_SECONDS = 0.02;
/** How long the quietest piece counts, once to twice. */
const WATCH_SECONDS = 1.5;
/** A stream without pauses would otherwise pass for background: −46 dBFS. */
const MAX_RMS = 0.005;
/** Pulls the poles inwards, so that a hum does not ring for ever: 0.98 per sample of delay. */
const POLE_RADIUS = 0.98;
/** Mean square below which there is no background: −100 dBFS. */
const SILENT = 1e-10;

/** A piece of background: mean square per channel from here on, before them the autocorrelation of lags 0 … ORDER. */
const POWERS = ORDER + 1;

/**
 * Continues the background noise of a stream where the stream itself is missing. It keeps the quietest piece of the last
 * seconds, of which it takes the level of each channel and the spectral shape (linear prediction), and filters noise with it.
 * Allocates in its constructor only.
 */
export class ComfortNoise {
  readonly #channels: number;
  readonly #pieceFrames: number;
  readonly #watchPieces: number;
  /** The piece under way, the quietest of this watch, and of the one before. */
  readonly #piece: Float64Array;
  readonly #current: Float64Array;
  readonly #previous: Float64Array;
  #frames = 0;
  #pieces = 0;
  /** Prediction from the last samples, the newest first. */
  readonly #predictor = new Float64Array(ORDER);
  readonly #scratch = new Float64Array(ORDER);
  /** What each channel's noise is multiplied by. */
  readonly #gains: Float64Array;
  /** The last samples of each channel, the newest first. */
  readonly #past: Float64Array;
  /** Whether the filter is that of the quietest piece. */
  #designed = true;
  #seed = 1;

  constructor(sampleRate: number, channels: number) {
    this.#channels = channels;
    this.#pieceFrames = Math.ceil(PIECE_SECONDS * sampleRate);
    this.#watchPieces = Math.ceil(WATCH_SECONDS / PIECE_SECONDS);
    this.#piece = new Float64Array(POWERS + channels);
    this.#current = new Float64Array(POWERS + channels);
    this.#previous = new Float64Array(POWERS + channels);
    this.#gains = new Float64Array(channels);
    this.#past = new Float64Array(channels * ORDER);
    this.reset();
  }

  /** Frames before `from` that {@link listen} looks back at. */
  static readonly historyFrames: number = ORDER;

  /**
   * Looks at what was played: frames `from` … `from + frames` of `input`, and a few before them. Costs the same for each.
   * @param input as many channels as at construction; concealed audio should not be among it
   */
  listen(input: readonly Float32Array[], from: number, frames: number): void {
    let at = from;
    for (let left = frames; left > 0;) {
      const wanted = this.#pieceFrames - this.#frames;
      const count = left < wanted ? left : wanted;
      this.#measure(input, at, count);
      at += count;
      left -= count;
      this.#frames += count;
      if (this.#frames === this.#pieceFrames) this.#finishPiece();
    }
  }

  /**
   * Adds noise to frames `at` … `at + frames` of `output`.
   * @param gain of the first frame, 0–1
   * @param step what each further frame adds to it; the gain stays within 0–1
   */
  add(
    output: readonly Float32Array[],
    at: number,
    frames: number,
    gain: number,
    step: number,
  ): void {
    if (!this.#designed) this.#design();
    const predictor = this.#predictor;
    const past = this.#past;
    for (let c = 0; c < this.#channels; c++) {
      const level = this.#gains[c]!;
      if (level === 0) continue;
      const samples = output[c]!;
      const first = c * ORDER;
      let seed = this.#seed + c * 0x3c6ef372;
      let weight = gain;
      for (let i = 0; i < frames; i++) {
        // Numerical Recipes' generator: its high bits are random enough for noise.
        seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
        let sample = (seed / 2 ** 31) * level;
        for (let k = 0; k < ORDER; k++) sample += predictor[k]! * past[first + k]!;
        for (let k = ORDER - 1; k > 0; k--) past[first + k] = past[first + k - 1]!;
        past[first] = sample;
        samples[at + i]! += sample * (weight < 0 ? 0 : weight > 1 ? 1 : weight);
        weight += step;
      }
    }
    this.#seed = (Math.imul(this.#seed, 1664525) + frames) | 0;
  }

  /** Forgets the background: until something was heard there is no noise. */
  reset(): void {
    this.#piece.fill(0);
    this.#current.fill(Infinity);
    this.#previous.fill(Infinity);
    this.#frames = 0;
    this.#pieces = 0;
    this.#gains.fill(0);
    this.#predictor.fill(0);
    this.#past.fill(0);
    this.#designed = true;
  }

  #measure(input: readonly Float32Array[], from: number, frames: number): void {
    const piece = this.#piece;
    const end = from + frames;
    // The shape is the first channel's, the level is each channel's own.
    const first = input[0]!;
    for (let lag = 0; lag <= ORDER; lag++) {
      let sum = 0;
      for (let i = from; i < end; i++) sum += first[i]! * first[i - lag]!;
      piece[lag]! += sum;
    }
    for (let c = 0; c < this.#channels; c++) {
      const samples = input[c]!;
      let sum = 0;
      for (let i = from; i < end; i++) sum += samples[i]! * samples[i]!;
      piece[POWERS + c]! += sum;
    }
  }

  #finishPiece(): void {
    const piece = this.#piece;
    const current = this.#current;
    this.#frames = 0;
    this.#pieces++;
    if (this.#energy(piece) < this.#energy(current)) {
      for (let i = 0; i < piece.length; i++) current[i] = piece[i]!;
      this.#designed = false;
    }
    if (this.#pieces === this.#watchPieces) {
      const previous = this.#previous;
      for (let i = 0; i < current.length; i++) previous[i] = current[i]!;
      current.fill(Infinity);
      this.#pieces = 0;
      this.#designed = false;
    }
    piece.fill(0);
  }

  #energy(piece: Float64Array): number {
    let sum = 0;
    for (let i = POWERS; i < piece.length; i++) sum += piece[i]!;
    return sum;
  }

  /** Makes the filter of the quietest piece: the recursion of Levinson and Durbin. */
  #design(): void {
    this.#designed = true;
    const { length } = this.#piece;
    const quietest =
      this.#energy(this.#current) < this.#energy(this.#previous) ? this.#current : this.#previous;
    const power = quietest[0]! / this.#pieceFrames;
    const gains = this.#gains;
    const predictor = this.#predictor;
    predictor.fill(0);
    let error = quietest[0]!;
    // Without a level in the first channel there is no shape: the noise of the others is white.
    for (let k = 0; k < ORDER && power > SILENT; k++) {
      let sum = quietest[k + 1]!;
      for (let i = 0; i < k; i++) sum -= predictor[i]! * quietest[k - i]!;
      const reflection = sum / error;
      if (!(reflection > -0.999 && reflection < 0.999)) break;
      const scratch = this.#scratch;
      for (let i = 0; i < k; i++) scratch[i] = predictor[k - 1 - i]!;
      for (let i = 0; i < k; i++) predictor[i]! -= reflection * scratch[i]!;
      predictor[k] = reflection;
      error *= 1 - reflection * reflection;
    }
    let radius = 1;
    for (let k = 0; k < ORDER; k++) predictor[k]! *= radius *= POLE_RADIUS;
    const residual = power > SILENT ? error / quietest[0]! : 1;
    for (let i = POWERS; i < length; i++) {
      const rms = Math.sqrt(quietest[i]! / this.#pieceFrames);
      const level = rms < MAX_RMS ? rms : MAX_RMS;
      // Even noise between −1 and 1 has a third of the power of its peak.
      gains[i - POWERS] = level * level < SILENT ? 0 : level * Math.sqrt(3 * residual);
    }
  }
}

/** Order of the spectral shape: enough for the tilt and the hum of a room. */
const ORDER = 10;
/** Length of the analyzed pieces. */
const PIECE_SECONDS = 0.02;
/** How long the quietest piece is used: between once and twice this time. */
const WATCH_SECONDS = 1.5;
/** Maximum level of the background, −46 dBFS; a stream without pauses would otherwise pass for background. */
const MAX_RMS = 0.005;
/** Moves the poles inwards, so that a hum does not ring forever: 0.98 per sample of delay. */
const POLE_RADIUS = 0.98;
/** Mean square below which there is no background noise: −100 dBFS. */
const SILENT = 1e-10;

/** A piece of background: the autocorrelation of lags 0 … ORDER, then from this index the mean square of each channel. */
const POWERS = ORDER + 1;

/**
 * Continues the background noise of a stream while the stream itself is missing. It keeps the quietest piece of the last seconds,
 * takes from it the level of each channel and the spectral shape (linear prediction), and filters noise accordingly. Allocates only
 * in its constructor.
 */
export class ComfortNoise {
  readonly #channels: number;
  readonly #pieceFrames: number;
  readonly #watchPieces: number;
  /** The current piece, and the quietest ones of this watch and of the previous watch. */
  readonly #piece: Float64Array;
  readonly #current: Float64Array;
  readonly #previous: Float64Array;
  #frames = 0;
  #pieces = 0;
  /** Prediction coefficients, for the newest sample first. */
  readonly #predictor = new Float64Array(ORDER);
  readonly #scratch = new Float64Array(ORDER);
  /** Factor for each channel's noise. */
  readonly #gains: Float64Array;
  /** The last samples of each channel, newest first. */
  readonly #past: Float64Array;
  /** Whether the filter belongs to the quietest piece. */
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

  /** Number of frames before `from` that {@link listen} reads. */
  static readonly historyFrames: number = ORDER;

  /**
   * Analyzes audio that was played: frames `from` … `from + frames` of `input`, and a few before them. The cost per frame is constant.
   * @param input as many channels as at construction; should not contain concealed audio
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
   * @param gain gain of the first frame, 0–1
   * @param step change of the gain per frame; the gain stays within 0–1
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
        // The generator of Numerical Recipes: its high bits are random enough for noise.
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

  /** Forgets the background: there is no noise until more audio has been analyzed. */
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
    // The shape comes from the first channel, the level from each channel.
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

  /** Designs the filter for the quietest piece with the Levinson–Durbin recursion. */
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
    // If the first channel is silent there is no shape: the noise of the others is white.
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
      // Uniform noise between −1 and 1 has a mean square of one third.
      gains[i - POWERS] = level * level < SILENT ? 0 : level * Math.sqrt(3 * residual);
    }
  }
}

import { planar } from '../dsp/planar.ts';
import { raisedCosine } from '../dsp/windows.ts';
import { ComfortNoise } from './comfort-noise.ts';
import { SimilaritySearch } from '../dsp/similarity-search.ts';

/** Length of the cross-fades within concealment: a quarter of the period of a deep voice. */
const OVERLAP_SECONDS = 0.004;
/** Time at full level … */
const STEADY_SECONDS = 0.01;
/** … and silent after this long (G.711 Appendix I: 20 % less every 10 ms). */
const SILENT_SECONDS = 0.06;
/** Every so often, one more period is repeated, so that no buzz arises. */
const GROW_SECONDS = 0.01;
const MAX_PERIODS = 3;
/** Below this similarity the audio has no pitch: the longest piece is repeated, from its start. */
const VOICED_SCORE = 0.5;
/**
 * Length of the cross-fade into the next audio. G.711 Appendix I uses up to 10 ms, which harms more of the received audio than it
 * helps: by 0.6 dB of log-spectral distance around the gaps of `npm run bench -- concealment`.
 */
const MERGE_SECONDS = 0.004;

/**
 * Conceals missing audio using the audio before it: repeats the last period of a voice, then the last two and three, fades out
 * within 60 ms while comfort noise rises, and cross-fades into the next audio. After G.711 Appendix I, but at any rate, and without
 * its delay of 3.75 ms: the step where the repetition begins is smoothed instead. Allocates only in its constructor.
 */
export class PcmConcealment {
  /** Number of frames before the gap that are analyzed. */
  readonly historyFrames: number;
  /** Length of the cross-fade into the next audio, in frames. */
  readonly mergeFrames: number;
  /** Replaces the repetition once that has faded. Let it listen to the audio that is played. */
  readonly noise: ComfortNoise;
  /** Frames concealed since the gap began, including those in a cross-fade. */
  concealedFrames = 0;
  /** For the last {@link conceal}: frames that contain no repetition, only silence or comfort noise. */
  silentFrames = 0;
  /** Frames left of the cross-fade into the next audio. */
  mergeLeft: number;

  readonly #sampleRate: number;
  readonly #channels: number;
  readonly #search: SimilaritySearch;
  readonly #longest: number;
  /** The last frames before the gap. */
  readonly #past: readonly Float32Array[];
  /** Difference between the last sample and the sample of the repetition in its place, per channel. */
  readonly #offsets: Float64Array;
  readonly #overlap: number;
  readonly #rise: Float64Array;
  readonly #merged: readonly Float32Array[];
  #period = 0;
  #periods = 0;
  /** Index in `#past` of the next frame to repeat. */
  #at = 0;
  /** While one more period is added: frames left of the cross-fade from the old position, which lies one period later. */
  #growing = 0;

  constructor(sampleRate: number, channels: number) {
    this.#sampleRate = sampleRate;
    this.#channels = channels;
    const search = new SimilaritySearch(sampleRate);
    this.#search = search;
    this.#longest = search.shortestFrames + search.reachFrames;
    this.#overlap = Math.ceil(OVERLAP_SECONDS * sampleRate);
    this.historyFrames = MAX_PERIODS * this.#longest + this.#overlap + 1;
    this.mergeFrames = Math.ceil(MERGE_SECONDS * sampleRate);
    this.mergeLeft = this.mergeFrames;
    this.noise = new ComfortNoise(sampleRate, channels);
    this.#past = planar(channels, this.historyFrames);
    this.#merged = planar(channels, this.mergeFrames);
    this.#offsets = new Float64Array(channels);
    this.#rise = Float64Array.from({ length: this.#overlap }, (_, i) => {
      return raisedCosine((i + 0.5) / this.#overlap);
    });
  }

  /**
   * Starts a gap. Finds the pitch, which costs as much as some hundred frames.
   * @param input as many channels as at construction
   * @param end index after the last frame; the `historyFrames` before it must be available
   */
  begin(input: readonly Float32Array[], end: number): void {
    const { historyFrames } = this;
    const past = this.#past;
    for (let c = 0; c < this.#channels; c++) {
      const source = input[c]!;
      const target = past[c]!;
      for (let i = 0, at = end - historyFrames; i < historyFrames; i++, at++)
        target[i] = source[at]!;
    }
    const search = this.#search;
    const template = historyFrames - search.overlapFrames;
    search.begin(past, template, past, template - this.#longest, search.reachFrames, 0);
    search.finish();
    this.#period = this.#longest - search.lag;
    this.#periods = search.score < VOICED_SCORE ? MAX_PERIODS : 1;
    this.#at = this.#loopStart;
    this.#growing = 0;
    this.concealedFrames = 0;
    this.beginMerge();
    const before = this.#at - 1;
    for (let c = 0; c < this.#channels; c++) {
      this.#offsets[c] = past[c]![historyFrames - 1]! - past[c]![before]!;
    }
  }

  /** Conceals `frames` more frames in `output`, from `at`. */
  conceal(output: readonly Float32Array[], at: number, frames: number): void {
    this.silentFrames = 0;
    const { noise } = this;
    const silentFrom = Math.ceil(SILENT_SECONDS * this.#sampleRate);
    let done = 0;
    while (done < frames) {
      const concealed = this.concealedFrames;
      const count = Math.min(frames - done, this.#untilNextStep(concealed, silentFrom));
      const from = at + done;
      if (concealed >= silentFrom) {
        for (let c = 0; c < this.#channels; c++) output[c]!.fill(0, from, from + count);
        noise.add(output, from, count, 1, 0);
        this.silentFrames += count;
      } else {
        this.#repeat(output, from, count, concealed, silentFrom);
      }
      this.concealedFrames += count;
      done += count;
    }
  }

  /** Starts a cross-fade into the next audio, as after {@link begin}. */
  beginMerge(): void {
    this.mergeLeft = this.mergeFrames;
  }

  /** The next audio continues the previous audio: ends the current cross-fade. */
  endMerge(): void {
    this.mergeLeft = 0;
  }

  /**
   * Cross-fades concealment into the next audio, in place: at most `frames` frames of `output`, from `at`. If there are fewer than
   * `mergeLeft`, the audio after them continues the cross-fade.
   * @returns the number of frames that were cross-faded
   */
  merge(output: readonly Float32Array[], at: number, frames: number): number {
    const { mergeFrames, mergeLeft } = this;
    const count = frames < mergeLeft ? frames : mergeLeft;
    const done = mergeFrames - mergeLeft;
    const merged = this.#merged;
    this.conceal(merged, 0, count);
    this.silentFrames = 0;
    for (let c = 0; c < this.#channels; c++) {
      const old = merged[c]!;
      const samples = output[c]!;
      for (let i = 0; i < count; i++) {
        const rise = raisedCosine((done + i + 0.5) / mergeFrames);
        samples[at + i] = old[i]! + (samples[at + i]! - old[i]!) * rise;
      }
    }
    this.mergeLeft = mergeLeft - count;
    return count;
  }

  /** Forgets the background. */
  reset(): void {
    this.noise.reset();
    this.concealedFrames = 0;
    this.beginMerge();
  }

  get #loopStart(): number {
    return this.historyFrames - this.#periods * this.#period;
  }

  /** Returns the frames until the next change: one more period, the fade, or silence. */
  #untilNextStep(concealed: number, silentFrom: number): number {
    if (concealed >= silentFrom) return Infinity;
    const grow = Math.ceil(GROW_SECONDS * this.#sampleRate);
    const next = (Math.floor(concealed / grow) + 1) * grow;
    return Math.min(next, silentFrom) - concealed;
  }

  #repeat(
    output: readonly Float32Array[],
    at: number,
    frames: number,
    concealed: number,
    silentFrom: number,
  ): void {
    const grow = Math.ceil(GROW_SECONDS * this.#sampleRate);
    const steady = Math.ceil(STEADY_SECONDS * this.#sampleRate);
    if (concealed > 0 && concealed % grow === 0 && this.#periods < MAX_PERIODS) {
      this.#periods++;
      this.#at -= this.#period;
      this.#growing = this.#overlap;
    }
    const fall = 1 / (silentFrom - steady);
    const gain = concealed < steady ? 1 : 1 - (concealed - steady) * fall;
    const step = concealed < steady ? 0 : -fall;
    const overlap = this.#overlap;
    const rise = this.#rise;
    const first = this.#loopStart;
    const length = this.#periods * this.#period;
    const end = first + length;
    const oldLength = length - this.#period;
    const smooth = overlap < length ? overlap : length;
    let place = this.#at;
    let growing = this.#growing;
    for (let c = 0; c < this.#channels; c++) {
      const past = this.#past[c]!;
      const samples = output[c]!;
      const offset = this.#offsets[c]!;
      let level = gain;
      place = this.#at;
      growing = this.#growing;
      for (let i = 0; i < frames; i++) {
        let sample = looped(past, place, end, length, smooth, rise, overlap);
        if (growing > 0) {
          const weight = rise[overlap - growing]!;
          const ahead = place + this.#period;
          const older = ahead < end ? ahead : ahead - oldLength;
          const before = looped(past, older, end, oldLength, smooth, rise, overlap);
          sample = before + (sample - before) * weight;
          growing--;
        }
        const age = concealed + i;
        if (age < overlap) sample += offset * (1 - rise[age]!);
        samples[at + i] = sample * level;
        level += step;
        if (++place === end) place = first;
      }
    }
    this.#at = place;
    this.#growing = growing;
    if (step !== 0) this.noise.add(output, at, frames, 1 - gain, -step);
  }
}

/**
 * Returns the frame at `place` of the repetition: `length` frames that end before `end`. The last of them fade into those before
 * the first, so that the repetition has no step.
 */
function looped(
  past: Float32Array,
  place: number,
  end: number,
  length: number,
  smooth: number,
  rise: Float64Array,
  overlap: number,
): number {
  const sample = past[place]!;
  const into = place - (end - smooth);
  if (into < 0) return sample;
  const weight = rise[overlap - smooth + into]!;
  return sample + (past[place - length]! - sample) * weight;
}

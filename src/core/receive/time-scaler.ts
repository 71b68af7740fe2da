import { planar } from '../dsp/planar.ts';
import { raisedCosine } from '../dsp/windows.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import {
  integerIn,
  numberIn,
  MAX_CHANNELS,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
} from '../arguments.ts';
import { SimilaritySearch } from '../dsp/similarity-search.ts';

/**
 * Planar frames that wait to be read, preceded by those read last, in contiguous memory, so that kernels can look back and ahead,
 * and move waiting frames. Indices count from the start of the memory and change when {@link makeRoom} moves everything. Allocates
 * only in its constructor.
 */
export class PlanarLine {
  /** The samples, one array per channel. */
  readonly channels: readonly Float32Array[];
  /** Number of frames kept before `read`; silence where there were none yet. */
  readonly historyFrames: number;
  /** Index of the next frame to read. */
  read: number;
  /** Index after the last frame. */
  end: number;

  /** @param aheadFrames room for waiting frames */
  constructor(channels: number, historyFrames: number, aheadFrames: number) {
    const frames = 2 * historyFrames + 2 * aheadFrames;
    this.channels = planar(channels, frames);
    this.historyFrames = historyFrames;
    this.read = historyFrames;
    this.end = historyFrames;
  }

  /** Number of waiting frames. */
  get available(): number {
    return this.end - this.read;
  }

  /**
   * Makes room for `frames` frames after `end`, unless too many are waiting; moves everything towards the start if needed.
   * @returns by how much indices have decreased
   */
  makeRoom(frames: number): number {
    if (this.end + frames <= this.channels[0]!.length) return 0;
    const moved = this.read - this.historyFrames;
    if (moved <= 0) return 0;
    for (let c = 0; c < this.channels.length; c++) this.channels[c]!.copyWithin(0, moved, this.end);
    this.read -= moved;
    this.end -= moved;
    return moved;
  }

  /** Number of frames that fit after `end`. */
  get room(): number {
    return this.channels[0]!.length - this.end;
  }

  /** Forgets everything. */
  reset(): void {
    for (let c = 0; c < this.channels.length; c++) this.channels[c]!.fill(0);
    this.read = this.historyFrames;
    this.end = this.historyFrames;
  }
}

/** Options of a {@link TimeScaler}. */
export interface TimeScalerOptions {
  /** Sample rate in Hz, 3000–768000. */
  readonly sampleRate: number;
  /** Number of channels, 1–32. */
  readonly channels: number;
  /** Room for waiting frames, in addition to what the scaler needs itself. @default 200 ms */
  readonly aheadFrames?: number;
  /** Minimum number of frames kept before the next one to read. @default what the scaler needs */
  readonly historyFrames?: number;
  /** Maximum change of length, as a fraction of the audio read: 0.05–0.5. @default 0.25 */
  readonly limit?: number;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  aheadFrames: 1,
  historyFrames: 1,
  limit: 1,
} satisfies OptionNames<TimeScalerOptions>;

/** Audio from the decision to cut to the cut, at best: the search is spread over this time … */
const LEAD_SECONDS = 0.006;
/** … and at least over this time, if no more audio is waiting. */
const MIN_LEAD_SECONDS = 0.001;
/** Required similarity of the two sides at first … */
const WANTED_SCORE = 0.9;
/** … which falls to nothing over this much audio, so that noise is cut too. */
const PATIENCE_SECONDS = 0.1;
const AHEAD_SECONDS = 0.2;

/**
 * Changes the length of audio without changing its pitch: leaves out or repeats whole periods where the two sides of the cut are
 * most similar, and cross-fades them (WSOLA, Verhelst and Roelands 1993, one cut at a time). Every channel is cut at the same
 * place, which keeps them in phase. The search is spread over the frames that are read meanwhile: the work per render quantum is
 * roughly constant. Allocates only in its constructor.
 */
export class TimeScaler {
  /** Audio to be read, and the audio read last. Decoders may write after its `end` following {@link makeRoom}. */
  readonly line: PlanarLine;
  /** Number of frames that should wait during a change: the search then reaches the deepest voices. */
  readonly lookAheadFrames: number;
  /** Total frames left out, and total frames repeated. */
  removedFrames = 0;
  insertedFrames = 0;

  readonly #search: SimilaritySearch;
  /** Weight of the side that fades in. */
  readonly #rise: Float32Array;
  readonly #joined: Float32Array;
  readonly #leadFrames: number;
  readonly #minLeadFrames: number;
  readonly #restFactor: number;
  readonly #patience: number;
  /** Frames to leave out; negative to add frames. */
  #wanted = 0;
  /** Index in the line of the cut being searched; −1 without a search. */
  #place = -1;
  #removes = false;
  #reach = 0;
  /** Frames until the next search. */
  #rest = 0;
  /** Frames since the search began. */
  #looking = 0;

  /** @throws TypeError or RangeError for a rate, a channel count or a limit out of range */
  constructor(options: TimeScalerOptions) {
    checkOptions('TimeScaler', options, NAMES);
    const sampleRate = integerIn(
      'sampleRate',
      options.sampleRate,
      MIN_SAMPLE_RATE,
      MAX_SAMPLE_RATE,
    );
    const channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    const limit = numberIn('limit', options.limit ?? 0.25, 0.05, 0.5);
    const search = new SimilaritySearch(sampleRate);
    this.#search = search;
    const longest = search.shortestFrames + search.reachFrames;
    this.#leadFrames = Math.ceil(LEAD_SECONDS * sampleRate);
    this.lookAheadFrames = this.#leadFrames + longest + search.overlapFrames;
    const { aheadFrames = Math.ceil(AHEAD_SECONDS * sampleRate), historyFrames = 0 } = options;
    this.line = new PlanarLine(
      channels,
      Math.max(historyFrames, longest),
      aheadFrames + this.lookAheadFrames,
    );
    this.#minLeadFrames = Math.ceil(MIN_LEAD_SECONDS * sampleRate);
    this.#restFactor = 1 / limit;
    this.#patience = PATIENCE_SECONDS * sampleRate;
    this.#joined = new Float32Array(search.overlapFrames);
    this.#rise = Float32Array.from({ length: search.overlapFrames }, (_, i) => {
      return raisedCosine((i + 0.5) / search.overlapFrames);
    });
  }

  /** Length of the shortest piece that is left out or repeated, in frames. */
  get shortestFrames(): number {
    return this.#search.shortestFrames;
  }

  /**
   * Number of frames to leave out, or to add if negative, as soon as there is a good place. Decreases as frames are cut. Less than
   * `shortestFrames` has no effect.
   */
  get wanted(): number {
    return this.#wanted;
  }
  set wanted(frames: number) {
    this.#wanted = Math.trunc(frames);
  }

  /** Makes room for `frames` frames after the line's `end`. @returns how many fit */
  makeRoom(frames: number): number {
    const moved = this.line.makeRoom(frames);
    if (this.#place >= 0) this.#place -= moved;
    return this.line.room;
  }

  /** Takes frames `from` … `from + frames` of `input`. @returns frames taken, fewer if there is no room */
  write(input: readonly Float32Array[], from: number, frames: number): number {
    const room = this.makeRoom(frames);
    const count = frames < room ? frames : room;
    const { channels, end } = this.line;
    for (let c = 0; c < channels.length; c++) {
      const source = input[c]!;
      const target = channels[c]!;
      for (let i = 0; i < count; i++) target[end + i] = source[from + i]!;
    }
    this.line.end = end + count;
    return count;
  }

  /** Writes up to `frames` frames to `output` at `at`. @returns frames written, fewer if not enough wait: a cut may have removed some */
  read(output: readonly Float32Array[], at: number, frames: number): number {
    const { line } = this;
    this.#advance(frames);
    const { channels, read, available } = line;
    const count = frames < available ? frames : available;
    for (let c = 0; c < channels.length; c++) {
      const source = channels[c]!;
      const target = output[c]!;
      for (let i = 0; i < count; i++) target[at + i] = source[read + i]!;
    }
    line.read = read + count;
    this.#rest -= count;
    return count;
  }

  /** Forgets the signal and the wanted change. The counters remain. */
  reset(): void {
    this.line.reset();
    this.#place = -1;
    this.#wanted = 0;
    this.#rest = 0;
    this.#looking = 0;
  }

  /** Continues the search before the next `frames` frames are read. */
  #advance(frames: number): void {
    if (this.#place < 0 && !this.#begin()) return;
    const { line } = this;
    const search = this.#search;
    const place = this.#place;
    // Spreads the remaining work over the frames up to the place.
    const left = place - line.read;
    if (frames >= left) search.finish();
    else if (!search.work(Math.ceil((search.workLeft * frames) / left))) return;
    const length = this.#removes
      ? search.shortestFrames + search.lag
      : search.shortestFrames + this.#reach - search.lag;
    const wanted = WANTED_SCORE * (1 - this.#looking / this.#patience);
    const allowed = this.#removes ? this.#wanted : -this.#wanted;
    this.#place = -1;
    if (search.score < wanted || length > allowed) {
      this.#looking += this.#leadFrames - left + frames;
      return;
    }
    this.#looking = 0;
    if (this.#removes) this.#remove(place, length);
    else this.#insert(place, length);
  }

  /** @returns whether a search has started */
  #begin(): boolean {
    const wanted = this.#wanted;
    const size = wanted < 0 ? -wanted : wanted;
    const search = this.#search;
    const { shortestFrames, overlapFrames, reachFrames } = search;
    if (size < shortestFrames) {
      this.#looking = 0;
      return false;
    }
    if (this.#rest > 0) return false;
    const { line } = this;
    const removes = wanted > 0;
    const reach = Math.min(reachFrames, size - shortestFrames);
    const spare = line.available - overlapFrames - (removes ? shortestFrames + reach : 0);
    if (spare < this.#minLeadFrames) return false;
    const place = line.read + Math.min(spare, this.#leadFrames);
    // Added frames come from before the place, the nearest last: lag `reach` is the shortest piece.
    const from = removes ? place + shortestFrames : place - shortestFrames - reach;
    search.begin(line.channels, place, line.channels, from, reach, removes ? reach : 0);
    this.#place = place;
    this.#removes = removes;
    this.#reach = reach;
    return true;
  }

  /** Cross-fades from the frames at `place` to those after the piece, which is removed. */
  #remove(place: number, length: number): void {
    const { line } = this;
    const { channels } = line;
    const { overlapFrames } = this.#search;
    const rise = this.#rise;
    for (let c = 0; c < channels.length; c++) {
      const samples = channels[c]!;
      for (let i = 0; i < overlapFrames; i++) {
        const at = place + i;
        samples[at]! += (samples[at + length]! - samples[at]!) * rise[i]!;
      }
      const after = place + overlapFrames;
      samples.copyWithin(after, after + length, line.end);
    }
    line.end -= length;
    this.#wanted -= length;
    this.#rest = place - line.read + this.#spacing(length);
    this.removedFrames += length;
  }

  /** Cross-fades from the frames at `place` to those one piece earlier, and continues from there. */
  #insert(place: number, length: number): void {
    const { line } = this;
    const { overlapFrames } = this.#search;
    if (length > line.room) return;
    const { channels } = line;
    const rise = this.#rise;
    const joined = this.#joined;
    const after = place + overlapFrames;
    for (let c = 0; c < channels.length; c++) {
      const samples = channels[c]!;
      for (let i = 0; i < overlapFrames; i++) {
        const before = samples[place + i]!;
        joined[i] = before + (samples[place - length + i]! - before) * rise[i]!;
      }
      samples.copyWithin(after, after - length, line.end);
      for (let i = 0; i < overlapFrames; i++) samples[place + i] = joined[i]!;
    }
    line.end += length;
    this.#wanted += length;
    this.#rest = place - line.read + length + this.#spacing(length);
    this.insertedFrames += length;
  }
  /** Returns the frames from a cut of `length` to the next search: as the limit requires, and at least the whole cross-fade. */
  #spacing(length: number): number {
    const limited = Math.ceil(this.#restFactor * length) - this.#leadFrames;
    const { overlapFrames } = this.#search;
    return limited > overlapFrames ? limited : overlapFrames;
  }
}

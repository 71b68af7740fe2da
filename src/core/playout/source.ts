import { planar } from '../dsp/planar.ts';
import { raisedCosine } from '../dsp/windows.ts';
import type { BacklogPolicy } from './backlog-policy.ts';
import { Fader } from '../dsp/fader.ts';
import type { FrameRing } from './frame-ring.ts';
import { Splice } from './splice.ts';
import type { Timeline } from './timeline.ts';

/** Length of the ramps into and out of the silence of an underrun. */
const RAMP_SECONDS = 0.005;
/** A cut is followed by at least this many times its length of untouched audio: at most 25 % faster than real time. */
const REST = 4;
/** Required similarity of the two sides of a cut at first … */
const WANTED_SCORE = 0.9;
/** … which falls to nothing over this time, so that noise is cut too. */
const PATIENCE_SECONDS = 0.1;
/** From the decision to cut to the cut: the search is spread over this much audio. */
const LEAD_SECONDS = 0.006;

export interface SourceOptions {
  /** Sample rate of the wire in Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly ring: FrameRing;
  readonly timeline: Timeline;
  readonly policy: BacklogPolicy;
}

/**
 * The audible stream at the wire rate: the frames of the ring in order, without the frames that the policy removes, and with an end
 * without a click when there are no more. Allocates only in its constructor.
 *
 * If the frames run out in the middle of an item, their own mirror image follows, with a fade: it continues where they stopped, so
 * that every frame is heard in full.
 */
export class Source {
  /** Frames at the end of a run that do not belong to the stream: the ramp to silence. */
  rampFrames = 0;
  /** Frames of the stream supplied in this run. After the run is `dry`, a ramp and silence follow. */
  supplied = 0;
  /** Why the run has no more frames, if it has not. */
  dry: 'no' | 'ended' | 'underrun' = 'no';

  readonly #ring: FrameRing;
  readonly #timeline: Timeline;
  readonly #policy: BacklogPolicy;
  readonly #splice: Splice;
  readonly #fader = new Fader();
  /** The last frames before an underrun, played backwards from `#tailLeft`. */
  readonly #tail: readonly Float32Array[];
  #tailLeft = 0;
  /** The next frame to take from the ring. */
  #read = 0;
  /** Frames of a cross-fade that are still to be supplied. */
  #overlapLeft = 0;
  readonly #gaps = new GapList();
  /** Frames until the next search for a cut. */
  #rest = 0;
  /** Frames since the search began. */
  #looking = 0;
  /** The frame in the ring where a cut is searched for, or will be made; −1 without one. */
  #cutAt = -1;
  /** Whether the search is done and the cut will be made. */
  #cutFound = false;
  /** Whether it will be made regardless of its score. */
  #cutSkips = false;
  readonly #lead: number;
  /** Length of the ramps. */
  readonly #ramp: number;
  readonly #patience: number;

  constructor(options: SourceOptions) {
    const { sampleRate, channels } = options;
    this.#ring = options.ring;
    this.#timeline = options.timeline;
    this.#policy = options.policy;
    this.#ramp = Math.ceil(RAMP_SECONDS * sampleRate);
    this.#splice = new Splice(sampleRate, channels);
    this.#tail = planar(channels, this.#ramp);
    this.#patience = PATIENCE_SECONDS * sampleRate;
    this.#lead = Math.ceil(LEAD_SECONDS * sampleRate);
  }

  /** Number of frames that can be supplied, not counting a cross-fade in progress. */
  get level(): number {
    return this.#timeline.playable - this.#read;
  }

  /**
   * Starts a run at the timeline's position.
   * @param fadesIn whether it starts in the middle of the audio
   */
  start(fadesIn: boolean): void {
    const timeline = this.#timeline;
    timeline.startRun();
    this.#read = timeline.position;
    this.supplied = 0;
    this.dry = 'no';
    this.rampFrames = 0;
    this.#tailLeft = 0;
    this.#overlapLeft = 0;
    this.#rest = 0;
    this.#looking = 0;
    this.#cutAt = -1;
    this.#fader.open();
    if (fadesIn) {
      this.#fader.close();
      this.#fader.fadeIn(this.#ramp);
    }
  }

  /** Notes that audio is missing between frame `frame − 1` and frame `frame`, the next one to arrive. */
  gap(frame: number): void {
    this.#gaps.add(frame);
  }

  /** Fills frames 0 … `frames` of `output`. */
  pull(output: readonly Float32Array[], frames: number): void {
    this.#lookForCut(frames);
    let at = 0;
    while (at < frames && this.dry === 'no') {
      const wanted = frames - at;
      const { level } = this;
      let count = 0;
      if (this.#overlapLeft > 0) {
        count = Math.min(wanted, this.#overlapLeft);
        const from = this.#splice.overlapFrames - this.#overlapLeft;
        copy(this.#splice.overlap, from, count, output, at);
        this.#overlapLeft -= count;
      } else if (level > 0) {
        const toGap = this.#gaps.distance(this.#read);
        if (toGap === 0 && this.#bridge(at)) continue;
        const toCut = this.#cutAt < 0 ? Infinity : this.#cutAt - this.#read;
        if (toCut <= 0) {
          this.#cut(at);
          continue;
        }
        count = Math.min(wanted, level, toGap || Infinity, toCut);
        this.#ring.decode(this.#read, count, output, at);
        this.#read += count;
      } else {
        break;
      }
      at += count;
    }
    this.supplied += at;
    this.#rest -= at;
    this.#policy.played(at);
    this.#fader.apply(output, 0, at);
    if (at === frames) return;
    if (this.dry === 'no') this.#runDry();
    this.#fill(output, at, frames - at);
    this.#fader.apply(output, at, frames - at);
  }

  /** Continues the search for a cut, if one is due, before the next `frames` frames are supplied. */
  #lookForCut(frames: number): void {
    if (this.#cutAt < 0 && !this.#beginCut()) return;
    if (this.#cutFound) return;
    const splice = this.#splice;
    // Spreads the remaining work over the frames up to the place.
    const left = this.#cutAt - this.#read;
    if (frames >= left) splice.finish();
    else if (!splice.work(Math.ceil((splice.workLeft * frames) / left))) return;
    const score = WANTED_SCORE * (1 - this.#looking / this.#patience);
    if (this.#cutSkips || splice.score >= score) {
      this.#cutFound = true;
      return;
    }
    this.#cutAt = -1;
    this.#looking += this.#lead - left + frames;
  }

  /** Starts a search for a cut if there is too much audio. @returns whether it does */
  #beginCut(): boolean {
    if (this.#rest > 0 || this.#overlapLeft > 0 || this.dry !== 'no') return false;
    const splice = this.#splice;
    const { level } = this;
    const surplus = this.#policy.surplus(level);
    if (surplus < splice.shortestFrames) {
      this.#looking = 0;
      return false;
    }
    const skips = this.#policy.skips(surplus);
    const shortest = skips ? surplus - splice.reachFrames : splice.shortestFrames;
    const needed = splice.neededFrames(shortest);
    if (this.#lead + needed > level) return false;
    const place = this.#read + this.#lead;
    if (this.#gaps.within(this.#read, place + splice.overlapFrames)) return false;
    if (this.#gaps.within(place + shortest, place + needed)) return false;
    splice.begin(this.#ring, place, shortest, surplus);
    this.#cutAt = place;
    this.#cutFound = false;
    this.#cutSkips = skips;
    return true;
  }

  /**
   * Makes the cut that was found, which begins here.
   * @param pulled frames of the current pull
   */
  #cut(pulled: number): void {
    const splice = this.#splice;
    const { length, overlapFrames } = splice;
    this.#cutAt = -1;
    if (!this.#timeline.jump(this.supplied + pulled + overlapFrames, length)) return;
    splice.join();
    this.#policy.removed(length);
    this.#read += overlapFrames + length;
    this.#overlapLeft = overlapFrames;
    this.#looking = 0;
    // The frames until the next cut's own place count as well.
    this.#rest = this.#cutSkips ? 0 : pulled + REST * length - this.#lead;
  }

  /**
   * Cross-fades the mirror image of the audio before a gap with the audio after it.
   * @param pulled frames of the current pull
   * @returns false if there was no audio before it
   */
  #bridge(pulled: number): boolean {
    this.#gaps.pass();
    const frames = Math.min(this.#ramp, this.supplied + pulled, this.level);
    if (frames === 0) return false;
    const { overlap, overlapFrames } = this.#splice;
    const from = overlapFrames - frames;
    this.#ring.decode(this.#read - frames, frames, this.#tail, 0);
    this.#ring.decode(this.#read, frames, overlap, from);
    for (let c = 0; c < overlap.length; c++) {
      const out = overlap[c]!;
      const tail = this.#tail[c]!;
      for (let i = 0; i < frames; i++) {
        const rise = raisedCosine((i + 0.5) / frames);
        const before = tail[frames - 1 - i]!;
        out[from + i] = before + (out[from + i]! - before) * rise;
      }
    }
    this.#read += frames;
    this.#overlapLeft = frames;
    return true;
  }

  #runDry(): void {
    const timeline = this.#timeline;
    this.dry = timeline.complete ? 'ended' : 'underrun';
    if (timeline.complete && !timeline.cutsShort) return;
    this.#tailLeft = Math.min(this.#ramp, this.supplied);
    this.rampFrames = this.#tailLeft;
    this.#ring.decode(this.#read - this.#tailLeft, this.#tailLeft, this.#tail, 0);
    this.#fader.fadeOut(this.#tailLeft);
  }

  /** Fills the output after the last frame: the ramp, then silence. */
  #fill(output: readonly Float32Array[], at: number, frames: number): void {
    const ramp = Math.min(frames, this.#tailLeft);
    for (let c = 0; c < output.length; c++) {
      const out = output[c]!;
      const tail = this.#tail[c]!;
      for (let i = 0; i < ramp; i++) out[at + i] = tail[this.#tailLeft - 1 - i]!;
      out.fill(0, at + ramp, at + frames);
    }
    this.#tailLeft -= ramp;
  }
}

function copy(
  source: readonly Float32Array[],
  from: number,
  frames: number,
  target: readonly Float32Array[],
  at: number,
): void {
  for (let c = 0; c < target.length; c++) {
    const input = source[c]!;
    const output = target[c]!;
    for (let i = 0; i < frames; i++) output[at + i] = input[from + i]!;
  }
}

/** Maximum number of waiting gaps; a power of two. */
const MAX_GAPS = 16;
const MASK = MAX_GAPS - 1;

/**
 * The places where frames are missing, in order, each given by the frame after the gap. If there are more than 16, the excess is
 * forgotten.
 */
export class GapList {
  readonly #frames = new Float64Array(MAX_GAPS);
  #first = 0;
  #next = 0;

  /** Adds a gap before `frame`, which is after all others. */
  add(frame: number): void {
    if (this.#next - this.#first < MAX_GAPS) this.#frames[this.#next++ & MASK] = frame;
  }

  /** Removes the gap at `frame`, which has been handled. */
  pass(): void {
    this.#first++;
  }

  /** Returns the frames from `frame` to the next gap: 0 at a gap, infinite without one. Earlier gaps are forgotten. */
  distance(frame: number): number {
    while (this.#first < this.#next) {
      const frames = this.#frames[this.#first & MASK]! - frame;
      if (frames >= 0) return frames;
      this.#first++;
    }
    return Infinity;
  }

  /** Returns whether there is a gap in `from` … `to`, excluding `to`. */
  within(from: number, to: number): boolean {
    for (let i = this.#first; i < this.#next; i++) {
      const frame = this.#frames[i & MASK]!;
      if (frame >= from && frame < to) return true;
    }
    return false;
  }
}

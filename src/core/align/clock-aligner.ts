import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { planar } from '../dsp/planar.ts';
import { MAX_SPEED, MIN_SPEED, VariableResampler } from '../resampler/variable-resampler.ts';
import type { VariableResamplerPlan } from '../resampler/variable-resampler.ts';
import type { ContextTimeline } from './context-timeline.ts';
import { RESTARTED, SourceClock } from './source-clock.ts';

/** How much of a source is buffered, seconds: more than the longest delay and a burst after it. */
const CAPACITY_SECONDS = 2;
/** Output frames that are computed at once, and frames that an empty resampler always has room for. */
const BLOCK_FRAMES = 64;
const MOST_INPUT_FRAMES = 400;
/**
 * An error of `JUMP_MS` is corrected at once, as is one of `MOVED_MS` when all sources move; a smaller one is corrected over
 * `CORRECTION_MS`, by at most `MOST_CORRECTION` of the speed.
 */
const JUMP_MS = 30;
const MOVED_MS = 2;
const CORRECTION_MS = 3000;
const MOST_CORRECTION = 2e-3;
/** Length of the fades at the edges of a gap, seconds. */
const FADE_SECONDS = 0.005;
/** The lateness of blocks that is expected at first, ms; later it is the maximum of the last one to two windows, ms. */
const FIRST_LATENESS_MS = 20;
const WINDOW_MS = 15_000;
/** For this long, ms, the delay may still change at once. */
const START_MS = 3000;
/** This many late arrivals, at least this far apart, ms, make a request urgent; each block in time takes this much off the count. */
const LATE_ARRIVALS = 3;
const LATE_APART_MS = 50;
const IN_TIME = 0.05;
/** Smaller values count as silence. */
const LEAST_REST = 1e-7;
/** Reserve in the delay, ms. */
const RESERVE_MS = 2;

/** How many stretches of lost frames are remembered while they wait. */
const LOST_STRETCHES = 8;

/** Options of a {@link ClockAligner}. */
export interface ClockAlignerOptions {
  /** From the source's nominal rate to the context's. */
  readonly resampler: VariableResamplerPlan;
  /** Number of output channels, to which the source is mixed. */
  readonly channels: number;
  /** Blocks that would need more delay than this are dropped. */
  readonly maxDelayMs: number;
  /** The clock of the timestamps: shared by sources whose timestamps come from one clock. */
  readonly timeline: ContextTimeline;
}

/** Indices of the state. */
const READ = 0;
const END = 1;
const BASE = 2;
const LATEST = 3;
const LATEST_BEFORE = 4;
const WINDOW_END = 5;
const BLOCK_MS = 6;
const FADE = 7;
const ERROR_MS = 8;
const FIRST_AT = 9;
const LATE = 10;
const LATE_AT = 11;
const SLOTS = 12;

/**
 * Aligns a source that has its own clock to the context's clock. Takes blocks with timestamps whenever they arrive, gives any
 * number of frames at any time, and keeps the delay between the two at the value of its {@link ContextTimeline}. Replaces missing
 * audio by silence, with short fades. Frames of the source: received + lost = used + dropped + buffered. Frames of the context:
 * given = present + missing. Allocates in its constructor only.
 */
export class ClockAligner {
  /** Frames of the source, as it sent them. */
  receivedFrames = 0;
  /** Frames that went to the resampler, including silence in place of lost ones. */
  usedFrames = 0;
  /** Frames that came too late, or were left out to keep the clocks together. */
  droppedFrames = 0;
  /** Frames that never arrived: timestamps jump over them. */
  lostFrames = 0;
  /** Lost frames that went to the resampler as silence. */
  silentFrames = 0;
  /** Context frames with audio of the source, and without. */
  presentFrames = 0;
  missingFrames = 0;
  /** How often audio was missing. */
  gaps = 0;
  /** May only be changed before the first block. */
  timeline: ContextTimeline;

  readonly #clock: SourceClock;
  readonly #resampler: VariableResampler;
  readonly #mixer: ChannelMixer;
  readonly #channels: number;
  readonly #ring: readonly Float32Array[];
  readonly #capacity: number;
  readonly #msPerFrame: number;
  readonly #msPerOutputFrame: number;
  readonly #blockFrames: number;
  readonly #fixedDelayMs: number;
  readonly #maxDelayMs: number;
  /** Steps per frame, of the context and of the source. */
  readonly #fadeStep: number;
  readonly #sourceFadeStep: number;
  readonly #decay: number;
  readonly #sourceDecay: number;
  /** Input frames for a block after the first output: with fewer, playing does not begin. */
  readonly #leastFrames: number;
  readonly #state: Float64Array = new Float64Array(SLOTS);
  /** Per channel: the last output, and its decaying rest at an edge. */
  readonly #last: Float64Array;
  readonly #rest: Float64Array;
  /** Numbers that calls would otherwise box. */
  readonly #times: Float64Array = new Float64Array(2);
  /** Stretches of lost frames: from, to, from, to … */
  readonly #lost: Float64Array = new Float64Array(2 * LOST_STRETCHES);
  #lostAt = 0;
  #playing = false;
  #jumps = 0;

  constructor(options: ClockAlignerOptions) {
    const { resampler, channels, timeline } = options;
    const { inputRate, outputRate } = resampler;
    this.timeline = timeline;
    this.#clock = new SourceClock(inputRate);
    this.#resampler = new VariableResampler(resampler, channels);
    this.#mixer = new ChannelMixer({ outputChannels: channels });
    this.#channels = channels;
    this.#capacity = CAPACITY_SECONDS * inputRate;
    this.#ring = planar(channels, this.#capacity);
    this.#last = new Float64Array(channels);
    this.#rest = new Float64Array(channels);
    this.#msPerFrame = 1000 / inputRate;
    this.#msPerOutputFrame = 1000 / outputRate;
    const ratio = (inputRate * MAX_SPEED) / outputRate;
    this.#blockFrames = Math.max(1, Math.min(BLOCK_FRAMES, Math.floor(MOST_INPUT_FRAMES / ratio)));
    this.#fixedDelayMs =
      RESERVE_MS + (resampler.latencyFrames + ratio * this.#blockFrames) * this.#msPerFrame;
    this.#maxDelayMs = options.maxDelayMs;
    this.#fadeStep = 1 / (FADE_SECONDS * outputRate);
    this.#sourceFadeStep = 1 / (FADE_SECONDS * inputRate);
    this.#decay = Math.exp(-4 * this.#fadeStep);
    this.#sourceDecay = Math.exp(-4 * this.#sourceFadeStep);
    this.#leastFrames = resampler.latencyFrames + Math.ceil(ratio * this.#blockFrames);
    this.#state[LATEST_BEFORE] = FIRST_LATENESS_MS;
    this.#state[WINDOW_END] = -Infinity;
  }

  /** Number of frames that wait. */
  get bufferedFrames(): number {
    return this.#state[END]! - this.#state[READ]!;
  }

  /** The same, ms. */
  get bufferedMs(): number {
    return this.bufferedFrames * this.#msPerFrame;
  }

  /** By how many ms this source is currently heard too early on the common clock. */
  get errorMs(): number {
    return this.#state[ERROR_MS]!;
  }

  /** The source's speed relative to its nominal speed, by the context's clock. */
  get ratio(): number {
    return this.timeline.ratio * this.#clock.ratio;
  }

  /** Whether {@link read} currently gives audio of the source. */
  get playing(): boolean {
    return this.#playing;
  }

  /**
   * Takes a block that has arrived.
   * @param channels any number of channels; they stay the caller's
   * @param timestampMs time of the first frame, on the clock of the timeline
   * @param nowMs time on the context's clock
   */
  insert(
    channels: readonly Float32Array[],
    frames: number,
    timestampMs: number,
    nowMs: number,
  ): void {
    const state = this.#state;
    if (this.receivedFrames === 0) state[FIRST_AT] = nowMs;
    this.receivedFrames += frames;
    const clock = this.#clock;
    const jump = clock.advance(timestampMs, frames);
    const first = clock.nextFrame - frames;
    if (jump === RESTARTED) this.#restart();
    else if (jump > 0) this.#lose(first - this.#state[END]!);
    this.#takeBack(first);
    const late = this.#put(channels, frames, first);
    if (jump > 0 && jump < RESTARTED) this.#smooth(first, frames);
    state[BLOCK_MS] = frames * this.#msPerFrame;
    this.#arrive(nowMs, clock.endAt(timestampMs));
    if (!late) state[LATE] = Math.max(0, state[LATE]! - IN_TIME);
    else if (nowMs >= state[LATE_AT]! + LATE_APART_MS) {
      state[LATE] = state[LATE]! + 1;
      state[LATE_AT] = nowMs;
    }
  }

  /** Ends the source: drops the frames that wait. */
  end(): void {
    this.#restart();
  }

  /** Tells the timeline which delay the source needs. Called once per render quantum, before the timeline follows. */
  ask(frame: number): void {
    if (this.receivedFrames === 0) return;
    const state = this.#state;
    const latest = Math.max(state[LATEST]!, state[LATEST_BEFORE]!);
    const needed = latest + state[BLOCK_MS]! + this.#fixedDelayMs;
    const urgent = state[LATE]! >= LATE_ARRIVALS;
    if (urgent) state[LATE] = 0;
    const isStarting = frame * this.#msPerOutputFrame < state[FIRST_AT]! + START_MS;
    const times = this.#times;
    times[0] = needed < this.#maxDelayMs ? needed : this.#maxDelayMs;
    times[1] = urgent || isStarting ? 1 : 0;
    this.timeline.need(times);
  }

  /** Fills frames `at` … `at + frames` of `output`; the first one is the context's `frame`. */
  read(output: readonly Float32Array[], at: number, frames: number, frame: number): void {
    if (this.receivedFrames > 0) {
      const times = this.#times;
      times[0] = frame;
      this.timeline.hear(times);
      this.#clock.translate(times);
      this.#steer();
    }
    for (let done = 0; done < frames;) {
      const left = frames - done;
      const count = left < this.#blockFrames ? left : this.#blockFrames;
      const given = this.#playing ? this.#give(output, at + done, count) : 0;
      if (given < count) this.#miss(output, at + done + given, count - given);
      done += count;
    }
  }

  /** Decides where and how fast to read. `#times` holds the time of the source that should be heard. */
  #steer(): void {
    const state = this.#state;
    const target = this.#times[0]!;
    const resampler = this.#resampler;
    if (this.#playing) {
      const error = (state[BASE]! + resampler.position) * this.#msPerFrame - target;
      state[ERROR_MS] = error;
      const most = this.#jumps === this.timeline.jumps ? JUMP_MS : MOVED_MS;
      this.#jumps = this.timeline.jumps;
      if (error < most && error > -most) {
        const part = error / CORRECTION_MS;
        const least = part > -MOST_CORRECTION ? part : -MOST_CORRECTION;
        const correction = least < MOST_CORRECTION ? least : MOST_CORRECTION;
        const speed = this.timeline.speed * this.#clock.ratio * (1 - correction);
        resampler.speed = speed < MIN_SPEED ? MIN_SPEED : speed > MAX_SPEED ? MAX_SPEED : speed;
        return;
      }
      this.#stop();
    }
    // Begin at the target once it has reached the frames that wait. It may not be a number yet.
    const first = Math.floor(target / this.#msPerFrame);
    if (!(first >= state[READ]! && first + this.#leastFrames < state[END]!)) return;
    this.droppedFrames += first - state[READ]!;
    state[READ] = first;
    state[BASE] = first;
    state[ERROR_MS] = first * this.#msPerFrame - target;
    state[FADE] = 0;
    resampler.reset();
    this.#rest.set(this.#last);
    this.#playing = true;
  }

  /** Begins a gap. Frames that the resampler holds may be heard later. */
  #stop(): void {
    const state = this.#state;
    this.#playing = false;
    this.gaps++;
    this.#rest.set(this.#last);
    const from = Math.ceil(state[BASE]! + this.#resampler.position);
    if (from >= state[READ]!) return;
    this.silentFrames -= this.#lostIn(from, state[READ]!);
    this.usedFrames -= state[READ]! - from;
    state[READ] = from;
  }

  /** @returns how many frames were available */
  #give(output: readonly Float32Array[], at: number, frames: number): number {
    const needed = this.#resampler.inputFramesFor(frames);
    const buffered = this.bufferedFrames;
    this.#feed(needed < buffered ? needed : buffered);
    const count = this.#resampler.read(output, at, frames);
    this.presentFrames += count;
    if (count > 0) this.#fadeIn(output, at, count);
    if (count < frames) this.#stop();
    return count;
  }

  #feed(frames: number): void {
    const state = this.#state;
    for (let left = frames; left > 0;) {
      const from = state[READ]! % this.#capacity;
      const count = left < this.#capacity - from ? left : this.#capacity - from;
      this.#resampler.write(this.#ring, from, count);
      this.silentFrames += this.#lostIn(state[READ]!, state[READ]! + count);
      state[READ] = state[READ]! + count;
      this.usedFrames += count;
      left -= count;
    }
  }

  /** Fades in over the rest of the earlier audio. */
  #fadeIn(output: readonly Float32Array[], at: number, frames: number): void {
    const state = this.#state;
    const fade = state[FADE]!;
    const end = at + frames;
    for (let c = 0; c < this.#channels; c++) {
      const channel = output[c]!;
      if (fade < 1) {
        let gain = fade;
        let rest = this.#rest[c]!;
        for (let i = at; i < end && gain < 1; i++) {
          rest *= this.#decay;
          channel[i] = channel[i]! * gain + rest;
          gain += this.#fadeStep;
        }
        this.#rest[c] = rest;
      }
      this.#last[c] = channel[end - 1]!;
    }
    if (fade < 1) state[FADE] = fade + frames * this.#fadeStep;
  }

  /** Writes silence, into which the last audio decays. */
  #miss(output: readonly Float32Array[], at: number, frames: number): void {
    for (let c = 0; c < this.#channels; c++) {
      const channel = output[c]!;
      let rest = this.#rest[c]!;
      for (let i = at; i < at + frames; i++) {
        rest *= this.#decay;
        channel[i] = rest;
      }
      // No denormals.
      rest = rest > LEAST_REST || rest < -LEAST_REST ? rest : 0;
      this.#rest[c] = rest;
      this.#last[c] = rest;
    }
    this.missingFrames += frames;
  }

  /** Begins another stretch of the source: drops the waiting frames of the previous one. */
  #restart(): void {
    if (this.#playing) this.#stop();
    this.droppedFrames += this.bufferedFrames;
    this.#state[READ] = this.#state[END]!;
  }

  /** Fills the numbers of lost frames before the current block with silence. */
  #lose(frames: number): void {
    // If numbers were taken back, no lost frames may be left.
    if (frames <= 0) return;
    const state = this.#state;
    const capacity = this.#capacity;
    this.lostFrames += frames;
    // While nothing plays, the gap has been counted already.
    if (this.#playing) this.gaps++;
    this.#makeRoom(frames);
    const end = state[END]!;
    for (let c = 0; c < this.#channels; c++) {
      const ring = this.#ring[c]!;
      let rest = ring[(end + capacity - 1) % capacity]!;
      for (let frame = end; frame < end + frames; frame++) {
        rest *= this.#sourceDecay;
        ring[frame % capacity] = rest > LEAST_REST || rest < -LEAST_REST ? rest : 0;
      }
    }
    state[END] = end + frames;
    this.#lost[this.#lostAt] = end;
    this.#lost[this.#lostAt + 1] = end + frames;
    this.#lostAt = (this.#lostAt + 2) % this.#lost.length;
  }

  /** Counts the lost frames in this range. */
  #lostIn(from: number, to: number): number {
    const lost = this.#lost;
    let frames = 0;
    for (let i = 0; i < lost.length; i += 2) {
      const first = lost[i]! > from ? lost[i]! : from;
      const end = lost[i + 1]! < to ? lost[i + 1]! : to;
      if (end > first) frames += end - first;
    }
    return frames;
  }

  /** Takes back the frames from this one on: they come again. */
  #takeBack(first: number): void {
    const state = this.#state;
    const from = Math.max(first, state[READ]!);
    if (from >= state[END]!) return;
    this.droppedFrames += state[END]! - from;
    state[END] = from;
    const lost = this.#lost;
    for (let i = 1; i < lost.length; i += 2) lost[i] = Math.min(lost[i]!, from);
  }

  /** @returns whether some of the frames come too late */
  #put(channels: readonly Float32Array[], frames: number, first: number): boolean {
    const state = this.#state;
    const late = Math.min(frames, Math.max(0, state[READ]! - first));
    this.droppedFrames += late;
    if (late === frames) return true;
    this.#makeRoom(frames - late);
    const from = (first + late) % this.#capacity;
    const count = Math.min(frames - late, this.#capacity - from);
    this.#mixer.mix(channels, late, count, this.#ring, from);
    this.#mixer.mix(channels, late + count, frames - late - count, this.#ring, 0);
    state[END] = first + frames;
    return late > 0;
  }

  /** Drops the oldest frames if there is no room for `frames` more. */
  #makeRoom(frames: number): void {
    const state = this.#state;
    if (this.bufferedFrames + frames <= this.#capacity) return;
    if (this.#playing) this.#stop();
    const surplus = Math.min(this.bufferedFrames, this.bufferedFrames + frames - this.#capacity);
    this.droppedFrames += surplus;
    state[READ] = state[READ]! + surplus;
  }

  /** Fades in the frames that follow lost ones. */
  #smooth(first: number, frames: number): void {
    const count = Math.min(frames, Math.floor(1 / this.#sourceFadeStep));
    for (let c = 0; c < this.#channels; c++) {
      const ring = this.#ring[c]!;
      for (let i = 0; i < count; i++) {
        const place = (first + i) % this.#capacity;
        ring[place] = ring[place]! * i * this.#sourceFadeStep;
      }
    }
  }

  #arrive(nowMs: number, endMs: number): void {
    const state = this.#state;
    const lateness = this.timeline.observe(nowMs, endMs);
    if (nowMs >= state[WINDOW_END]!) {
      // The first window keeps the initial guess.
      if (state[WINDOW_END]! > -Infinity) state[LATEST_BEFORE] = state[LATEST]!;
      state[LATEST] = 0;
      state[WINDOW_END] = nowMs + WINDOW_MS;
    }
    if (lateness > state[LATEST]!) state[LATEST] = lateness;
  }
}

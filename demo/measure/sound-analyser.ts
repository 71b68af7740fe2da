import { FractionalShift } from './fractional-shift.ts';
import { Intelligibility } from './intelligibility.ts';
import { LagFinder } from './lag-finder.ts';
import type { Lag } from './lag-finder.ts';
import { Quality, SOUND, meanSquare } from './quality.ts';
import type { SoundFigures, WindowResult } from './window-result.ts';
import { RECOGNISED, soundFigures } from './window-result.ts';

/** Results that are kept: a quarter of an hour of windows. */
const KEPT_WINDOWS = 4500;
/** Of the reference: more than are asked for. */
const KEPT_SOURCE_WINDOWS = 100;
/** What counts as the first sound of a lane: 10 ms above −50 dBFS. */
const FIRST_SOUND: number = 10 ** (-50 / 10);
const FIRST_SOUND_SECONDS = 0.01;
/**
 * A window that was not recognised is still in its place if its spectrum is this close to the reference's, at the lag of the previous
 * window: a codec that replaces hisses by other noise keeps the spectrum, but not the waveform. Speech through Opus at 32 kbit/s
 * stays below it, and hardly any other speech does (test/lab-glitches.test.ts).
 */
const IN_PLACE_DB = 6;
const NO_LAG: Lag = { frames: 0, fraction: 0, correlation: 0 };

/** What is known of one lane. */
interface LaneState {
  /** The lane counts from this frame on; Infinity while it is not open. */
  openedAt: number;
  /** Frame of its first sound; −1 before. */
  firstSound: number;
  inGlitch: boolean;
  /** Where a window was recognised last. */
  lag: Lag;
  readonly windows: WindowResult[];
}

/**
 * Compares what lanes play with what went in, as it arrives: reference and lanes as channels of one recording. Every window of
 * 200 ms of the reference is searched for in the lanes as soon as the longest lag has passed. Its only clock is the frames.
 */
export class SoundAnalyser {
  readonly sampleRate: number;
  readonly windowFrames: number;
  readonly #finder: LagFinder;
  readonly #quality: Quality;
  readonly #shift = new FractionalShift();
  readonly #intelligibility: Intelligibility;
  /** A window of a lane, where it was found, between samples too. */
  readonly #aligned: Float32Array;
  /** The same with the margins that intelligibility needs. */
  readonly #alignedWide: Float32Array;
  /** The last frames of each channel; the reference is the first. */
  readonly #rings: readonly Float32Array[];
  readonly #mask: number;
  readonly #lanes: readonly LaneState[];
  readonly #reference: Float32Array;
  readonly #referenceWide: Float32Array;
  readonly #spans: readonly Float32Array[];
  readonly #firstSoundFrames: number;
  /** The frame that comes next; −1 before the first block. */
  #nextFrame = -1;
  /** The next window's first frame. */
  #windowFrame = 0;
  /** The frame after the last gap: windows before it are left out. */
  #soundSince = 0;
  /** The last windows of the reference that were searched for, and whether they had audio. */
  readonly #sourceWindows: { readonly frame: number; readonly hasAudio: boolean }[] = [];

  /** @param laneCount lanes that there may be */
  constructor(sampleRate: number, laneCount: number) {
    this.sampleRate = sampleRate;
    this.#finder = new LagFinder(sampleRate);
    this.#quality = new Quality(sampleRate);
    const { windowFrames, spanFrames } = this.#finder;
    this.windowFrames = windowFrames;
    const capacity = 2 ** Math.ceil(Math.log2(2 * spanFrames));
    this.#mask = capacity - 1;
    this.#rings = Array.from({ length: laneCount + 1 }, () => new Float32Array(capacity));
    this.#lanes = Array.from({ length: laneCount }, () => ({
      openedAt: Infinity,
      firstSound: -1,
      inGlitch: false,
      lag: NO_LAG,
      windows: [],
    }));
    this.#intelligibility = new Intelligibility(sampleRate, windowFrames);
    const { marginFrames } = this.#intelligibility;
    const end = marginFrames + windowFrames;
    this.#referenceWide = new Float32Array(end + marginFrames);
    this.#reference = this.#referenceWide.subarray(marginFrames, end);
    this.#alignedWide = new Float32Array(end + marginFrames);
    this.#aligned = this.#alignedWide.subarray(marginFrames, end);
    this.#spans = Array.from({ length: laneCount }, () => new Float32Array(spanFrames));
    this.#firstSoundFrames = Math.round(FIRST_SOUND_SECONDS * sampleRate);
  }

  /** Windows of the reference that begin before this frame have been searched for. */
  get analysedUntil(): number {
    return this.#windowFrame;
  }

  /** A lane counts from a frame on: what was known of its place is forgotten. */
  open(lane: number, frame: number): void {
    const state = this.#lanes[lane]!;
    state.openedAt = frame;
    state.firstSound = -1;
    state.inGlitch = false;
    state.lag = NO_LAG;
    state.windows.length = 0;
  }

  /** A lane is gone. */
  close(lane: number): void {
    this.#lanes[lane]!.openedAt = Infinity;
  }

  /**
   * Takes in the next frames; analyses the windows that are complete.
   * @param frame number of the first; a hole since the last block is a gap in the recording
   * @param samples interleaved: the reference, then each lane
   */
  push(frame: number, samples: Float32Array): void {
    const rings = this.#rings;
    const mask = this.#mask;
    const channels = rings.length;
    const frames = Math.floor(samples.length / channels);
    if (this.#nextFrame !== frame) {
      this.#soundSince = frame;
      this.#windowFrame = Math.max(this.#windowFrame, frame);
    }
    for (let c = 0; c < channels; c++) {
      const ring = rings[c]!;
      for (let i = 0, at = c; i < frames; i++, at += channels) {
        ring[(frame + i) & mask] = samples[at]!;
      }
    }
    this.#nextFrame = frame + frames;
    this.#findFirstSounds(frame);
    const { windowFrames } = this;
    const finder = this.#finder;
    while (this.#windowFrame + finder.spanFrames <= this.#nextFrame) {
      if (this.#windowFrame >= this.#soundSince) this.#analyse(this.#windowFrame);
      this.#windowFrame += windowFrames;
    }
  }

  /** The figures of a lane over the windows that begin in [from, to). */
  figures(lane: number, from: number, to: number): SoundFigures {
    const windows = this.#lanes[lane]!.windows.filter(({ frame }) => frame >= from && frame < to);
    return soundFigures(windows, this.sampleRate, this.windowFrames);
  }

  /** A run is measured from a frame on: what `stoi` needs is kept. */
  begin(frame: number): void {
    this.#intelligibility.begin(frame);
  }

  /** STOI of a lane over the windows of the run that begin in [from, to), at most its first 30 s of audio; null where there are too few. */
  stoi(lane: number, from: number, to: number): number | null {
    return this.#intelligibility.of(lane, from, to);
  }

  /** ms from a lane's opening to its first sound; null before. */
  firstSoundMs(lane: number): number | null {
    const { openedAt, firstSound } = this.#lanes[lane]!;
    return firstSound < 0 ? null : ((firstSound - openedAt) * 1000) / this.sampleRate;
  }

  /** Frame of a lane's first sound; null before. */
  firstSoundFrame(lane: number): number | null {
    const { firstSound } = this.#lanes[lane]!;
    return firstSound < 0 ? null : firstSound;
  }

  /** ms of the reference with audio that were searched for in a lane since it was opened, of the windows that are kept. */
  soughtMs(lane: number): number {
    return this.#lanes[lane]!.windows.length * this.#windowMs;
  }

  /** ms in which the reference had audio, over the windows that begin in [from, to); null where the recording lacks some of them. */
  sourceMs(from: number, to: number): number | null {
    const within = this.#sourceWindows.filter(({ frame }) => frame >= from && frame < to);
    const whole = Math.floor((to - from) / this.windowFrames);
    if (within.length < whole) return null;
    return within.filter(({ hasAudio }) => hasAudio).length * this.#windowMs;
  }

  get #windowMs(): number {
    return (this.windowFrames * 1000) / this.sampleRate;
  }

  #analyse(frame: number): void {
    const { windowFrames } = this;
    const reference = this.#reference;
    const spans = this.#spans;
    const lanes = this.#lanes;
    const finder = this.#finder;
    const intelligibility = this.#intelligibility;
    this.#copy(0, frame - intelligibility.marginFrames, this.#referenceWide);
    const hasAudio = meanSquare(reference, windowFrames) >= SOUND;
    if (this.#sourceWindows.push({ frame, hasAudio }) > KEPT_SOURCE_WINDOWS) {
      this.#sourceWindows.shift();
    }
    if (!hasAudio) return;
    const isKept = intelligibility.addReference(frame, this.#referenceWide);
    const open: number[] = [];
    for (let lane = 0; lane < lanes.length; lane++) {
      if (frame < lanes[lane]!.openedAt) continue;
      this.#copy(lane + 1, frame, spans[lane]!);
      open.push(lane);
    }
    const lags = finder.find(
      reference,
      open.map((lane) => spans[lane]!),
    );
    lags.forEach((lag, i) => {
      const lane = open[i]!;
      const state = lanes[lane]!;
      if (lag.correlation >= RECOGNISED) state.lag = lag;
      const { frames, fraction } = state.lag;
      const from = frames - intelligibility.marginFrames;
      this.#shift.read(spans[lane]!, from, fraction, this.#alignedWide);
      if (isKept) intelligibility.addOutput(lane, this.#alignedWide);
      this.#judge(frame, state, lag);
    });
  }

  /** Judges a window that has been aligned: by its own lag, or by the last one where it was not recognised. */
  #judge(frame: number, state: LaneState, { frames: lagFrames, correlation }: Lag): void {
    const { windowFrames } = this;
    const reference = this.#reference;
    const quality = this.#quality;
    const aligned = this.#aligned;
    const { windows } = state;
    if (windows.length >= KEPT_WINDOWS) windows.splice(0, KEPT_WINDOWS / 10);
    const lsdDb = quality.logSpectralDistance(reference, aligned, windowFrames);
    if (correlation < RECOGNISED && !(state.lag !== NO_LAG && lsdDb < IN_PLACE_DB)) {
      const glitches = state.inGlitch ? 0 : 1;
      state.inGlitch = true;
      const nothing = { found: false, snrSumDb: 0, snrFrames: 0, lsdDb: NaN, levelDb: NaN };
      windows.push({ frame, lagFrames, correlation, ...nothing, glitches });
      return;
    }
    const snr = quality.segmentalSnr(reference, aligned, windowFrames);
    const holes = quality.holes(reference, aligned, windowFrames, state.inGlitch);
    state.inGlitch = holes.open;
    windows.push({
      frame,
      lagFrames,
      correlation,
      found: true,
      snrSumDb: snr.sumDb,
      snrFrames: snr.frames,
      lsdDb,
      levelDb: quality.level(reference, aligned, windowFrames),
      glitches: holes.begun,
    });
  }

  /** Looks for the first sound of lanes that have been silent, in the last block. */
  #findFirstSounds(from: number): void {
    const lanes = this.#lanes;
    const rings = this.#rings;
    const mask = this.#mask;
    const firstSoundFrames = this.#firstSoundFrames;
    const nextFrame = this.#nextFrame;
    const silence = FIRST_SOUND * firstSoundFrames;
    for (let lane = 0; lane < lanes.length; lane++) {
      const state = lanes[lane]!;
      if (state.firstSound >= 0 || state.openedAt === Infinity) continue;
      const ring = rings[lane + 1]!;
      const first = Math.max(from, state.openedAt);
      for (let start = first; start + firstSoundFrames <= nextFrame; start += firstSoundFrames) {
        let energy = 0;
        for (let i = start; i < start + firstSoundFrames; i++) energy += ring[i & mask]! ** 2;
        if (energy <= silence) continue;
        state.firstSound = start;
        break;
      }
    }
  }

  #copy(channel: number, frame: number, target: Float32Array): void {
    const mask = this.#mask;
    const ring = this.#rings[channel]!;
    const start = frame & mask;
    const first = Math.min(target.length, ring.length - start);
    target.set(ring.subarray(start, start + first));
    if (first < target.length) target.set(ring.subarray(0, target.length - first), first);
  }
}

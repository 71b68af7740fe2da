import { planar } from '../dsp/planar.ts';
import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { createResampler } from '../resampler/resampler-stream.ts';
import type { StreamResampler } from '../resampler/resampler-stream.ts';
import type { ResamplerPlan } from '../resampler/resampler-plan.ts';
import { SampleDecoder } from '../format/sample-format.ts';
import type { SampleFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { BacklogPolicy } from './backlog-policy.ts';
import type { BacklogMode } from './backlog-policy.ts';
import { Fader } from '../dsp/fader.ts';
import { FrameRing } from './frame-ring.ts';
import { Source } from './source.ts';
import { Timeline } from './timeline.ts';
import type { ItemSkipped } from './timeline.ts';

/** Approximate number of output frames per block of the resampler: the fewer, the more even the work per quantum. */
const BLOCK_OUTPUT_FRAMES = 32;
/** Number of frames in the longest block without resampling. */
const MAX_BLOCK_FRAMES = 256;
/** Length of the fade if playback resumes before the fade of the pause is over. */
const TURN_SECONDS = 0.005;
/** How long an interrupt can be undone. */
const UNDO_SECONDS = 1;

/** Options of a player: the stream on the wire, and how it is played. */
export interface PlayerOptions extends StreamFormat<SampleFormat> {
  /** Sample rate of the context in Hz. */
  readonly contextRate: number;
  readonly outputChannels: number;
  /** Converts the wire's rate to the context's; null if they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** How long a frame should wait, in wire frames. */
  readonly targetFrames: number;
  readonly backlog: BacklogMode;
  /** Initial room for waiting wire frames; see {@link Player.adopt}. */
  readonly capacityFrames: number;
}

/**
 * Notifications of a player. `contextFrame` is the context's frame after the event; −1 if the event was not in this stretch of
 * playback, or none of it was heard: then use the current frame.
 */
export interface PlayerListener {
  /** An item has been passed to its end. `frames` is its length, `missed` the number of frames that were left out. */
  readonly ended: (item: number, frames: number, missed: number, contextFrame: number) => void;
  /** A mark was reached: `frames` frames of the item precede it. */
  readonly marked: (item: number, frames: number, name: string, contextFrame: number) => void;
  /** Frames were left out to catch up. */
  readonly skipped: ItemSkipped;
  /** Playback ran out of frames in the middle of an item. */
  readonly underrun: () => void;
  /** An interrupt is complete: the position is up to where audio was heard. Next, `taken` frames will be removed. */
  readonly interrupted: (taken: number, contextFrame: number) => void;
}

/** Nothing to play · frames wait until there are enough · playing · paused, whether or not frames wait. */
export type PlayerState = 'idle' | 'buffering' | 'playing' | 'paused';

/**
 * Plays encoded frames: ring → {@link Source} → resampler → mixer → interrupt's fade. Knows exactly which frames were heard: wire
 * frame k of a run is at output frame ⌊k · contextRate / sampleRate⌋ and is heard once that is rendered. At equal rates, output
 * samples are the decoded samples, bit for bit. Rendering does not allocate or throw.
 */
export class Player {
  readonly timeline: Timeline;
  /** Number of times that playback ran out of frames in the middle of an item. */
  underruns = 0;
  /** Number of frames dropped for lack of room. */
  dropped = 0;

  readonly #listener: PlayerListener;
  readonly #sampleRate: number;
  readonly #contextRate: number;
  readonly #bytesPerFrame: number;
  readonly #ring: FrameRing;
  readonly #policy: BacklogPolicy;
  readonly #source: Source;
  readonly #resampler: StreamResampler | null;
  readonly #mixer: ChannelMixer;
  /** The fade of an interrupt. */
  readonly #fader = new Fader();
  /** Audio at the wire rate, as pulled. */
  readonly #pulled: readonly Float32Array[];
  /** Audio at the context rate: the output of the resampler, or `#pulled` without one. */
  readonly #block: readonly Float32Array[];
  readonly #pullFrames: number;
  /** Number of frames of `#block` still to be rendered, and the first of them. */
  #ready = 0;
  #readyAt = 0;

  #running = false;
  /** Output frames rendered in this run, not counting the silence after an interrupt's fade. */
  #rendered = 0;
  /** The context's frame at which this run began; −1 before its first quantum. */
  #runStart = -1;
  #interrupting = false;
  /** Whether a pause is fading; whether it is complete. */
  #pausing = false;
  #paused = false;
  /** Whether the pause holds back frames that were due: they play immediately when it ends. */
  #holdsRun = false;
  /** Whether audio is missing before the next frame to arrive. */
  #gap = false;
  /** Whether nothing has been played since an interrupt: the next frame may be in the middle of a stream. */
  #afterCut = false;
  /** Whether an underrun is in progress. */
  #starved = false;
  /** Output frames of silence and ramps caused by underruns. */
  #starvedFrames = 0;
  /** Output frames for which the first frame has waited. */
  #waited = 0;
  /** Wire frames that were waiting when the last ones arrived. */
  #trough = 0;
  /** Output frames until the last interrupt can no longer be undone. */
  #undoLeft = 0;

  /**
   * @param resampler resampler for the options' plan; reset whenever playback starts
   * @throws TypeError or RangeError for a format or a channel count out of range
   */
  constructor(
    options: PlayerOptions,
    listener: PlayerListener,
    resampler: StreamResampler | null = options.resampler &&
      createResampler(options.resampler, options.channels),
  ) {
    const { format, channels, sampleRate, contextRate, targetFrames } = options;
    const decoder = new SampleDecoder({ format, channels });
    this.#listener = listener;
    this.#sampleRate = sampleRate;
    this.#contextRate = contextRate;
    this.#bytesPerFrame = decoder.bytesPerFrame;
    this.timeline = new Timeline({
      ended: (item, frames, missed, runFrame) => {
        listener.ended(item, frames, missed, this.#contextFrame(runFrame));
      },
      skipped: listener.skipped,
      marked: (item, frames, name, runFrame) => {
        listener.marked(item, frames, name, this.#contextFrame(runFrame));
      },
    });
    this.#ring = new FrameRing(
      decoder,
      new ArrayBuffer(options.capacityFrames * decoder.bytesPerFrame),
    );
    this.#policy = new BacklogPolicy({ sampleRate, targetFrames, mode: options.backlog });
    this.#source = new Source({
      sampleRate,
      channels,
      ring: this.#ring,
      timeline: this.timeline,
      policy: this.#policy,
    });
    this.#mixer = new ChannelMixer({ outputChannels: options.outputChannels });
    this.#resampler = resampler;
    this.#pullFrames = this.#resampler
      ? Math.ceil((BLOCK_OUTPUT_FRAMES * sampleRate) / contextRate)
      : MAX_BLOCK_FRAMES;
    this.#pulled = planar(channels, this.#pullFrames);
    this.#block = this.#resampler
      ? planar(channels, this.#resampler.outputFramesMax(this.#pullFrames))
      : this.#pulled;
  }

  get state(): PlayerState {
    if (this.#running) return 'playing';
    if (this.#paused) return 'paused';
    return this.timeline.buffered > 0 ? 'buffering' : 'idle';
  }

  /** Total length of the underruns in wire frames. */
  get underrunFrames(): number {
    return Math.round((this.#starvedFrames * this.#sampleRate) / this.#contextRate);
  }

  /** How long a frame should wait, in wire frames. A longer wait takes effect when playback next starts. */
  set targetFrames(frames: number) {
    this.#policy.targetFrames = frames;
  }

  /**
   * Takes encoded frames of `item`, a number chosen by the caller; a new number begins a new item and ends the last one.
   * @param bytes whole frames; copied
   * @param afterGap whether audio is missing before them
   * @returns the number of frames taken; the others had no room, and are dropped and counted
   */
  write(item: number, bytes: Uint8Array, afterGap: boolean): number {
    const { timeline } = this;
    const offered = Math.floor(bytes.length / this.#bytesPerFrame);
    const { capacityFrames } = this.#ring;
    if (timeline.received + offered - timeline.floor > capacityFrames) timeline.forget();
    let frames = Math.min(offered, capacityFrames - timeline.buffered);
    const first = timeline.received;
    const trough = this.#running ? this.#source.level : timeline.buffered;
    if (frames > 0 && !timeline.receive(item, frames)) frames = 0;
    this.dropped += offered - frames;
    if (frames > 0 && (afterGap || this.#gap)) this.#source.gap(first);
    this.#gap = frames < offered || (frames === 0 && (afterGap || this.#gap));
    if (frames === 0) return 0;
    this.#ring.write(first, bytes, frames);
    this.#trough = trough;
    if (this.#running) this.#policy.arrived(trough);
    return frames;
  }

  /** Completes `item`: its last frame will be followed by silence or the next item, without an underrun. */
  end(item: number): void {
    this.timeline.end(item);
    if (this.timeline.buffered === 0) this.#starved = false;
  }

  /** Sets a mark: see `Timeline.mark`. */
  mark(item: number, frames: number, name: string, sender: number): void {
    this.timeline.mark(item, frames, name, sender);
  }

  /** Moves the waiting frames to other, larger memory. @returns the old memory, which is no longer used */
  adopt(storage: ArrayBuffer): ArrayBuffer {
    return this.#ring.adopt(storage, this.timeline.floor, this.timeline.received);
  }

  /**
   * Fades out and removes all frames received so far: at once if nothing plays or the fade has no length, otherwise with the output
   * frame that ends the fade; then calls `interrupted`. Ignored during another interrupt.
   * @param fadeFrames length of the fade in output frames
   */
  interrupt(fadeFrames: number): void {
    if (this.#interrupting) return;
    this.#interrupting = true;
    this.timeline.markCut();
    if (this.#running && fadeFrames > 0) this.#fader.fadeOut(fadeFrames);
    else this.#cut();
  }

  /** Whether an interrupt is in progress. */
  get interrupting(): boolean {
    return this.#interrupting;
  }

  /** Completes an interrupt without the rest of its fade, for a context that does not render. */
  cutNow(): void {
    if (this.#interrupting) this.#cut();
  }

  /** Continues from where the last interrupt silenced playback. @returns false after a second, or if newer frames are playing */
  undo(): boolean {
    if (this.#running || this.#interrupting || !this.timeline.restore()) return false;
    this.#undoLeft = 0;
    if (this.timeline.buffered === 0) return true;
    if (this.#paused) this.#holdsRun = true;
    else this.#start();
    return true;
  }

  /**
   * Fades out and keeps the frames that were not heard: at once if nothing plays or the fade has no length, otherwise with the
   * output frame that ends the fade, or the fade of an interrupt in progress.
   * @param fadeFrames length of the fade in output frames
   */
  pause(fadeFrames: number): void {
    const fades = fadeFrames > 0 || this.#interrupting;
    if (!this.#running || !fades) return this.#hold();
    if (!this.#pausing && !this.#interrupting) this.#fader.fadeOut(fadeFrames);
    this.#pausing = true;
  }

  /** Whether a pause is complete. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Continues from where the pause silenced playback. */
  resume(): void {
    this.#paused = false;
    if (this.#holdsRun) this.#start();
    if (!this.#pausing) return;
    this.#pausing = false;
    if (!this.#interrupting) this.#fader.fadeIn(TURN_SECONDS * this.#contextRate);
  }

  /** Releases its memory. Do not call any method afterwards. */
  close(): void {
    this.#resampler?.close();
  }

  /**
   * Fills `output`, of any length, with the next frames.
   * @param contextFrame the context's frame of the first one
   */
  render(output: readonly Float32Array[], contextFrame: number): void {
    const frames = output[0]!.length;
    if (!this.#running && (this.#paused || !this.#startIfReady(frames))) {
      for (let c = 0; c < output.length; c++) output[c]!.fill(0);
      if (this.#starved && !this.#paused) this.#starvedFrames += frames;
    } else {
      this.#runStart = contextFrame - this.#rendered;
      for (let at = 0; at < frames;) {
        if (this.#ready === 0) this.#refill(frames - at);
        const count = Math.min(this.#ready, frames - at);
        this.#mixer.mix(this.#block, this.#readyAt, count, output, at);
        this.#ready -= count;
        this.#readyAt += count;
        at += count;
      }
      this.#account(this.#fader.apply(output, 0, frames));
    }
    if (this.#undoLeft > 0) {
      this.#undoLeft -= frames;
      if (this.#undoLeft <= 0) this.timeline.forget();
    }
  }

  #startIfReady(frames: number): boolean {
    const { timeline } = this;
    const level = timeline.buffered;
    if (level === 0) return false;
    const waited = (this.#waited * this.#sampleRate) / this.#contextRate;
    if (!this.#policy.ready(level, this.#trough, waited, timeline.itemComplete)) {
      this.#waited += frames;
      return false;
    }
    this.#start();
    return true;
  }

  #start(): void {
    this.#running = true;
    this.#holdsRun = false;
    this.#starved = false;
    this.#waited = 0;
    this.#trough = 0;
    this.#rendered = 0;
    this.#runStart = -1;
    this.#ready = 0;
    this.#resampler?.reset();
    this.#fader.open();
    this.#policy.started();
    this.#source.start(this.timeline.itemFrames > 0 || this.#afterCut);
    this.#afterCut = false;
  }

  /** Produces some or all of the `wanted` frames. */
  #refill(wanted: number): void {
    const source = this.#source;
    const before = source.dry;
    this.#readyAt = 0;
    if (this.#resampler === null) {
      this.#ready = Math.min(wanted, this.#pullFrames);
      source.pull(this.#pulled, this.#ready);
    } else {
      source.pull(this.#pulled, this.#pullFrames);
      this.#ready = this.#resampler.process(this.#pulled, this.#block, this.#pullFrames);
    }
    if (source.dry === 'underrun' && before === 'no') {
      this.underruns++;
      this.#starved = true;
      this.#listener.underrun();
    }
  }

  /** Accounts for `frames` more frames that were rendered and audible. */
  #account(frames: number): void {
    const source = this.#source;
    const rendered = this.#rendered + frames;
    this.#rendered = rendered;
    const heard = Math.ceil((rendered * this.#sampleRate) / this.#contextRate);
    this.timeline.advance(Math.min(heard, source.supplied));
    if (source.dry !== 'no') {
      const ratio = this.#contextRate / this.#sampleRate;
      const beyond = rendered - Math.ceil(source.supplied * ratio);
      if (this.#starved) this.#starvedFrames += Math.max(0, Math.min(beyond, frames));
      const ringing = this.#resampler?.latencyFrames ?? 0;
      if (beyond >= (source.rampFrames + ringing) * ratio) this.#running = false;
      else if (source.level > 0) this.#waited += frames;
    }
    if (this.#running && !this.#fader.silent) return;
    if (this.#interrupting) this.#cut();
    else if (this.#pausing) this.#hold();
  }

  /** Returns the context's frame at which frame `runFrame` of the run is output; −1 if unknown. */
  #contextFrame(runFrame: number): number {
    if (runFrame < 0 || this.#runStart < 0) return -1;
    return this.#runStart + Math.floor((runFrame * this.#contextRate) / this.#sampleRate);
  }

  #cut(): void {
    const { timeline } = this;
    const known = this.#running && this.#runStart >= 0;
    this.#listener.interrupted(
      timeline.playable - timeline.position,
      known ? this.#runStart + this.#rendered : -1,
    );
    timeline.cut();
    this.#interrupting = false;
    this.#holdsRun = false;
    this.#afterCut = true;
    this.#starved = false;
    this.#undoLeft = UNDO_SECONDS * this.#contextRate;
    this.#stop();
    if (this.#pausing) this.#hold();
  }

  #hold(): void {
    this.#pausing = false;
    this.#paused = true;
    if (this.#running && this.timeline.buffered > 0) this.#holdsRun = true;
    this.#stop();
  }

  /** Ends the run at the timeline's position. */
  #stop(): void {
    this.#running = false;
    this.#waited = 0;
    this.#trough = 0;
  }
}

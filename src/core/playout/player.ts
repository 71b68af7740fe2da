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

/** Output frames that one block of the resampler makes, about: the finer, the evener the work per quantum. */
const BLOCK_OUTPUT_FRAMES = 32;
/** Frames of the longest block without resampling. */
const MAX_BLOCK_FRAMES = 256;
/** Length of the fade when playing is resumed before the fade of the pause is over. */
const TURN_SECONDS = 0.005;
/** How long an interrupt can be undone. */
const UNDO_SECONDS = 1;

/** Options of a player: the wire's stream, and how it is played. */
export interface PlayerOptions extends StreamFormat<SampleFormat> {
  /** Sample rate of the context, Hz. */
  readonly contextRate: number;
  readonly outputChannels: number;
  /** From the wire's rate to the context's; null when they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** How long a frame should wait, wire frames. */
  readonly targetFrames: number;
  readonly backlog: BacklogMode;
  /** Room for wire frames that wait, to begin with; see {@link Player.adopt}. */
  readonly capacityFrames: number;
}

/**
 * What a player tells at once. `contextFrame` is the frame of the context that follows what was told of; −1 when that was not
 * in this stretch of playing, or none of it was heard: take the present frame then.
 */
export interface PlayerListener {
  /** An item has been passed to its end. `frames` is its length, `missed` how many of them were left out. */
  readonly ended: (item: number, frames: number, missed: number, contextFrame: number) => void;
  /** A mark has been reached: `frames` of the item lie before it. */
  readonly marked: (item: number, frames: number, name: string, contextFrame: number) => void;
  /** Frames were left out to catch up. */
  readonly skipped: ItemSkipped;
  /** Playing ran out of frames in the middle of an item. */
  readonly underrun: () => void;
  /** An interrupt is complete: the position is where it was heard to. `taken` frames will now be taken away. */
  readonly interrupted: (taken: number, contextFrame: number) => void;
}

/** Nothing to play · frames wait until there are enough · playing · paused, whether or not something waits. */
export type PlayerState = 'idle' | 'buffering' | 'playing' | 'paused';

/**
 * Plays encoded frames: ring → {@link Source} → resampler → mixer → interrupt's fade. Knows exactly which frames were heard:
 * wire frame k of a run is at output frame ⌊k · contextRate / sampleRate⌋ and is heard when that has been rendered.
 * At equal rates output samples are the decoded samples, bit for bit. Rendering allocates nothing and does not throw.
 */
export class Player {
  readonly timeline: Timeline;
  /** Times that playing ran out of frames in the middle of an item. */
  underruns = 0;
  /** Frames that had no room. */
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
  /** The interrupt's fade. */
  readonly #fader = new Fader();
  /** At the wire rate, as pulled. */
  readonly #pulled: readonly Float32Array[];
  /** At the context rate: the resampler's output, or `#pulled` without one. */
  readonly #block: readonly Float32Array[];
  readonly #pullFrames: number;
  /** Frames of `#block` to be rendered yet, and the first of them. */
  #ready = 0;
  #readyAt = 0;

  #running = false;
  /** Output frames rendered in this run, the silence after an interrupt's fade not counted. */
  #rendered = 0;
  /** The context's frame at which this run began; −1 before its first quantum. */
  #runStart = -1;
  #interrupting = false;
  /** Whether the fade of a pause is under way; whether it is over. */
  #pausing = false;
  #paused = false;
  /** Whether the pause holds back frames that were due: they play at once when it ends. */
  #holdsRun = false;
  /** Whether something is missing before the next frame to come. */
  #gap = false;
  /** Whether nothing was played since an interrupt: what comes next may be the middle of a stream. */
  #afterCut = false;
  /** Whether an underrun has not ended yet. */
  #starved = false;
  /** Output frames of silence and ramps that underruns cost. */
  #starvedFrames = 0;
  /** Output frames for which the first frame has waited. */
  #waited = 0;
  /** Wire frames that were waiting when the last ones arrived. */
  #trough = 0;
  /** Output frames until the last interrupt cannot be undone any more. */
  #undoLeft = 0;

  /**
   * @param resampler made for the options' plan; reset whenever playing starts
   * @throws TypeError or RangeError for a format or a count of channels out of range
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

  /** How long underruns lasted in all, wire frames. */
  get underrunFrames(): number {
    return Math.round((this.#starvedFrames * this.#sampleRate) / this.#contextRate);
  }

  /** How long a frame should wait, wire frames. A longer wait takes effect when playing starts the next time. */
  set targetFrames(frames: number) {
    this.#policy.targetFrames = frames;
  }

  /**
   * Takes encoded frames of `item`, a number of the caller's; a new number begins a new item and ends the last one.
   * @param bytes whole frames; copied
   * @param afterGap whether something is missing before them
   * @returns frames taken. What finds no room is dropped and counted
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

  /** `item` is complete: its last frame will be followed by silence or the next item, without an underrun. */
  end(item: number): void {
    this.timeline.end(item);
    if (this.timeline.buffered === 0) this.#starved = false;
  }

  /** Sets a mark, as `Timeline.mark` does. */
  mark(item: number, frames: number, name: string, sender: number): void {
    this.timeline.mark(item, frames, name, sender);
  }

  /** Moves the waiting frames to other, larger memory. @returns the old memory, which is free then */
  adopt(storage: ArrayBuffer): ArrayBuffer {
    return this.#ring.adopt(storage, this.timeline.floor, this.timeline.received);
  }

  /**
   * Fades out what plays and takes away all that was received so far. At once when nothing plays or the fade has no length,
   * else with the output frame that ends the fade; then `interrupted` is told. Ignored while another is under way.
   * @param fadeFrames output frames
   */
  interrupt(fadeFrames: number): void {
    if (this.#interrupting) return;
    this.#interrupting = true;
    this.timeline.markCut();
    if (this.#running && fadeFrames > 0) this.#fader.fadeOut(fadeFrames);
    else this.#cut();
  }

  /** Whether an interrupt is under way. */
  get interrupting(): boolean {
    return this.#interrupting;
  }

  /** Completes an interrupt under way without the rest of its fade: for when nothing is rendered. */
  cutNow(): void {
    if (this.#interrupting) this.#cut();
  }

  /** Plays on from where the last interrupt silenced. @returns false when a second has passed or newer frames play */
  undo(): boolean {
    if (this.#running || this.#interrupting || !this.timeline.restore()) return false;
    this.#undoLeft = 0;
    if (this.timeline.buffered === 0) return true;
    if (this.#paused) this.#holdsRun = true;
    else this.#start();
    return true;
  }

  /**
   * Fades out what plays and keeps what was not heard. At once when nothing plays or the fade has no length, else with the output
   * frame that ends the fade, or that of an interrupt under way.
   * @param fadeFrames output frames
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

  /** Plays on from where the pause silenced. */
  resume(): void {
    this.#paused = false;
    if (this.#holdsRun) this.#start();
    if (!this.#pausing) return;
    this.#pausing = false;
    if (!this.#interrupting) this.#fader.fadeIn(TURN_SECONDS * this.#contextRate);
  }

  /** Gives its memory back. Nothing may be called after. */
  close(): void {
    this.#resampler?.close();
  }

  /**
   * Fills `output`, of any length, with the next frames.
   * @param contextFrame the context's frame that the first of them is
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

  /** Makes some of the `wanted` frames, or all. */
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

  /** `frames` more have been rendered and were audible. */
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

  /** The context's frame at which frame `runFrame` of the run leaves; −1 when it is not known. */
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

  /** The run ends at the timeline's position. */
  #stop(): void {
    this.#running = false;
    this.#waited = 0;
    this.#trough = 0;
  }
}

import { warmUpBlock } from '../dsp/planar.ts';
import { Fader } from '../dsp/fader.ts';
import { QuantumClock } from '../dsp/quantum-clock.ts';
import { isFirstWarmUp } from '../warm-up.ts';
import type {
  MicrophoneAccount,
  MicrophoneCommand,
  MicrophoneEvent,
  MicrophoneProcessorOptions,
  PostingPort,
} from '../messages.ts';
import { MICROPHONE_OUTPUTS, MISSING, PAUSED, PAUSED_MISSING, PRESENT } from './presence.ts';
import { SilenceDetector } from './silence-detector.ts';

/** How long output 0 fades when the user presses or releases push-to-talk. */
const HOLD_FADE_SECONDS = 0.005;

/** No input. */
const NONE = -1;
/** The transfer list of messages that transfer nothing. */
const NOTHING: ArrayBuffer[] = [];
/** Takes the place of the port during the warm-up. */
const NO_PORT: PostingPort = { postMessage: () => {} };
const WARM_UP_QUANTUM = 128;
const WARM_UP_QUANTA = 96;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type EventOf<Type> = Writable<Extract<MicrophoneEvent, { readonly type: Type }>>;

/**
 * The microphone processor without its scope: passes on the audio of the device in use, changes to the next one as soon as audio
 * comes from it, signals in its presence output when there is no device, and counts every frame.
 *
 * Presence is constant within a quantum, so a device begins and ends at a quantum's edge. If it is lost while audio still comes
 * from it, one more quantum is passed on, in which it fades out; if no audio comes from it any more, its last sample fades out
 * in the first missing quantum.
 */
export class MicrophoneEngine {
  readonly #port: PostingPort;
  readonly #channels: number;
  readonly #holdFrames: number;
  readonly #silence: SilenceDetector;
  /** The input in use; `NONE` while audio is missing. */
  #current = NONE;
  /** The gain of each input: both are open while one fades into the other. */
  readonly #gains: readonly Fader[] = [new Fader(), new Fader()];
  /** The input of the last `take`, its request, and how long it fades. */
  #next = NONE;
  #request = 0;
  #fadeFrames = 0;
  /** Frames left to wait for it. */
  #patience = 0;
  /** `lose` was called: the input in use ends with the next quantum. */
  #losing = false;
  /** Whether it has faded out. */
  #faded = false;
  /** Exact zeros directly before the loss. */
  #silentFrames = 0;
  readonly #mute = new Fader();
  #muted = false;
  readonly #gate = new Fader();
  #held: boolean | null;
  /** The last frame that was passed on, and the gain with which it fades out. */
  readonly #last: Float32Array;
  readonly #tail = new Fader();
  /** The context frame after the last quantum, and the number of quanta. */
  #nextFrame = 0;
  readonly #clock = new QuantumClock();
  #quanta = 0;
  /** Whether there was audio in the last quantum. */
  #live = false;
  #presentFrames = 0;
  #missingFrames = 0;
  #pausedFrames = 0;
  #mutedFrames = 0;
  /** Missing frames since the last present one. */
  #gap = 0;
  /** Whether `#heard` must be posted as soon as the other input has faded out. */
  #isUntold = false;
  /** Whether an account was requested. */
  #asked = false;
  #closed = false;
  /** Reused for every post; the browser clones it for the other thread. */
  readonly #heard: EventOf<'heard'> = {
    type: 'heard',
    frame: 0,
    request: 0,
    missingFrames: 0,
    silentFrames: 0,
  };
  readonly #account: { type: 'account' | 'closed'; frame: number } & Writable<MicrophoneAccount> = {
    type: 'account',
    frame: 0,
    presentFrames: 0,
    missingFrames: 0,
    pausedFrames: 0,
    mutedFrames: 0,
  };
  readonly #silent: EventOf<'silence'> = { type: 'silence', frame: 0, sinceFrame: 0, kind: null };

  /**
   * @param sampleRate the context's sample rate, Hz
   * @param port the node's port
   */
  constructor(options: MicrophoneProcessorOptions, sampleRate: number, port: PostingPort) {
    const { channels, silenceFrames, held } = options;
    this.#port = port;
    this.#channels = channels;
    this.#holdFrames = Math.round(sampleRate * HOLD_FADE_SECONDS);
    this.#silence = new SilenceDetector(silenceFrames);
    this.#held = held;
    this.#last = new Float32Array(channels);
    for (const gain of this.#gains) gain.close();
    if (held === false) this.#gate.close();
  }

  /**
   * Takes every path once with a separate engine, so that the first quantum finds compiled code. Does nothing if this scope is
   * already warm. Allocates.
   */
  static warmUp(options: MicrophoneProcessorOptions, sampleRate: number): void {
    const { channels } = options;
    if (!isFirstWarmUp('microphone', channels)) return;
    const engine = new MicrophoneEngine({ ...options, silenceFrames: 512 }, sampleRate, NO_PORT);
    const block = warmUpBlock(channels, WARM_UP_QUANTUM);
    const silence = block.map(() => new Float32Array(WARM_UP_QUANTUM));
    const hum = block.map(() => new Float32Array(WARM_UP_QUANTUM).fill(1e-6));
    const outputs = [block, block, [0]].map((output) =>
      output.map(() => new Float32Array(WARM_UP_QUANTUM)),
    );
    const fadeFrames = 3 * WARM_UP_QUANTUM;
    const take = (request: number): MicrophoneCommand => ({
      type: 'take',
      input: request & 1 ? 1 : 0,
      request,
      patienceFrames: fadeFrames,
      fadeFrames,
    });
    const commands: readonly MicrophoneCommand[] = [
      take(0),
      take(1),
      { type: 'mute', on: true, fadeFrames },
      { type: 'mute', on: false, fadeFrames },
      { type: 'hold', held: false },
      { type: 'hold', held: true },
      { type: 'lose' },
      take(0),
      { type: 'hold', held: null },
      { type: 'lose' },
      take(1),
      { type: 'ask' },
    ];
    let frame = 0;
    for (let quantum = 0; quantum < WARM_UP_QUANTA; quantum++) {
      if (quantum % 4 === 0) engine.obey(commands[(quantum >> 2) % commands.length]!, frame);
      // In some quanta nothing is rendered, nothing is connected, or the device is silent.
      if (quantum % 16 === 7) frame += WARM_UP_QUANTUM;
      const input = [block, block, silence, hum, block, []][(quantum >> 3) % 6]!;
      engine.process([input, quantum % 8 < 6 ? block : silence], outputs, frame);
      frame += WARM_UP_QUANTUM;
    }
    engine.obey({ type: 'close' }, frame);
  }

  /**
   * Renders one quantum.
   * @param inputs the two inputs; any number of channels, 0 means silence
   * @param outputs audio, feed and presence: see `MICROPHONE_OUTPUTS`
   * @param currentFrame the context's `currentFrame`. If it has jumped, quanta were not rendered here: they count as missing
   * @returns false once closed: the processor may be removed
   */
  process(
    inputs: readonly (readonly Float32Array[])[],
    outputs: readonly (readonly Float32Array[])[],
    currentFrame: number,
  ): boolean {
    if (this.#closed) return false;
    const feed = outputs[MICROPHONE_OUTPUTS.feed]!;
    const audio = outputs[MICROPHONE_OUTPUTS.audio]!;
    const presence = outputs[MICROPHONE_OUTPUTS.presence]![0]!;
    const frames = presence.length;
    const frame = this.#clock.begin(currentFrame, frames);
    if (frame !== this.#nextFrame) this.#jumpTo(frame);
    this.#quanta++;
    this.#nextFrame = frame + frames;
    if (this.#asked) {
      this.#asked = false;
      this.#tellAccount('account', frame);
    }

    const at = this.#next === NONE ? NONE : this.#beginning(inputs[this.#next]!, frames);
    if (at !== NONE) this.#take(frame);
    else if (this.#losing) this.#end(inputs, frames, frame);
    // Output 0 is scratch memory for the second of two inputs until it is written.
    this.#mix(inputs, feed, audio, at, frame);
    if (this.#isUntold && this.#gains[1 - this.#current]!.silent) this.#tellHeard();
    const present = this.#current !== NONE;
    if (!present && this.#live) this.#endLast(feed, frames);
    this.#live = present;
    this.#mute.apply(feed, 0, frames);
    for (let c = 0; c < this.#channels; c++) {
      const samples = feed[c]!;
      const output = audio[c]!;
      for (let i = 0; i < frames; i++) output[i] = samples[i]!;
      this.#last[c] = samples[frames - 1]!;
    }
    this.#gate.apply(audio, 0, frames);

    if (this.#held === false) {
      presence.fill(present ? PAUSED : PAUSED_MISSING);
      this.#pausedFrames += frames;
    } else if (present) {
      presence.fill(PRESENT);
      this.#presentFrames += frames;
      if (this.#muted) this.#mutedFrames += frames;
      this.#gap = 0;
    } else {
      presence.fill(MISSING);
      this.#miss(frames);
    }
    return true;
  }

  /** Carries out a command, between two quanta. @param frame the context's `currentFrame` */
  obey(command: MicrophoneCommand, frame: number): void {
    if (this.#closed) return;
    if (command.type === 'take') {
      this.#tellHeard();
      this.#next = command.input;
      this.#request = command.request;
      this.#patience = command.patienceFrames;
      this.#fadeFrames = command.fadeFrames;
    } else if (command.type === 'lose') {
      this.#tellHeard();
      this.#next = NONE;
      this.#losing = this.#current !== NONE;
    } else if (command.type === 'mute') {
      this.#muted = command.on;
      if (command.on) this.#mute.fadeOut(command.fadeFrames);
      else this.#mute.fadeIn(command.fadeFrames);
    } else if (command.type === 'hold') {
      this.#held = command.held;
      if (command.held === false) this.#gate.fadeOut(this.#holdFrames);
      else this.#gate.fadeIn(this.#holdFrames);
    } else if (command.type === 'ask') this.#asked = true;
    else {
      this.#closed = true;
      this.#tellAccount('closed', frame);
    }
  }

  #jumpTo(frame: number): void {
    const frames = frame - this.#nextFrame;
    // Chromium 156 renders a new node's first quantum, then moves its rendering to another thread and continues a few quanta
    // later: the account begins only then.
    if (this.#quanta < 2) {
      this.#quanta = this.#gap = 0;
      this.#presentFrames = this.#missingFrames = this.#pausedFrames = this.#mutedFrames = 0;
      return;
    }
    this.#patience -= frames;
    if (this.#held === false) this.#pausedFrames += frames;
    else this.#miss(frames);
    if (this.#silence.restart()) this.#tellSilence(frame);
  }

  #miss(frames: number): void {
    this.#missingFrames += frames;
    this.#gap += frames;
  }

  /** @returns where in this quantum the next input begins; `NONE` while the engine waits for it */
  #beginning(input: readonly Float32Array[], frames: number): number {
    // The input in use was chosen again instead of the other.
    if (this.#next === this.#current && !this.#losing) return 0;
    const at = firstSound(input, frames);
    if (at !== NONE) return at;
    if (this.#patience <= 0) return 0;
    this.#patience -= frames;
    return NONE;
  }

  /** Puts the next input into use from this quantum on. */
  #take(frame: number): void {
    const heard = this.#heard;
    heard.frame = frame;
    heard.request = this.#request;
    heard.missingFrames = this.#gap;
    heard.silentFrames = this.#live ? this.#silence.zeroFrames : this.#silentFrames;
    this.#gap = 0;
    this.#current = this.#next;
    this.#next = NONE;
    this.#losing = this.#faded = false;
    if (this.#silence.restart()) this.#tellSilence(frame);
    this.#isUntold = true;
  }

  /** Posts which input was taken. The answer stops the other input's track, which would cut its fade short. */
  #tellHeard(): void {
    if (!this.#isUntold) return;
    this.#isUntold = false;
    this.#port.postMessage(this.#heard, NOTHING);
  }

  /** Ends the input in use: it fades out in this quantum, or audio is missing from this quantum on. */
  #end(inputs: readonly (readonly Float32Array[])[], frames: number, frame: number): void {
    if (!this.#faded && firstSound(inputs[this.#current]!, frames) !== NONE) {
      this.#faded = true;
      for (let i = 0; i < this.#gains.length; i++) this.#gains[i]!.fadeOut(frames);
      return;
    }
    this.#silentFrames = this.#silence.zeroFrames;
    this.#current = NONE;
    this.#losing = this.#faded = false;
    for (let i = 0; i < this.#gains.length; i++) this.#gains[i]!.close();
    if (this.#silence.restart()) this.#tellSilence(frame);
  }

  /**
   * Writes the open inputs to `feed`.
   * @param scratch memory that may be overwritten
   * @param at where the input in use begins in this quantum; `NONE` if it began earlier
   */
  #mix(
    inputs: readonly (readonly Float32Array[])[],
    feed: readonly Float32Array[],
    scratch: readonly Float32Array[],
    at: number,
    frame: number,
  ): void {
    const frames = feed[0]!.length;
    let target = feed;
    for (let i = 0; i < this.#gains.length; i++) {
      const gain = this.#gains[i]!;
      const used = i === this.#current;
      if (!used && gain.silent) continue;
      for (let c = 0; c < this.#channels; c++) copyFinite(inputs[i]![c], target[c]!, frames);
      if (used && this.#silence.process(target, frames)) this.#tellSilence(frame + frames);
      if (at !== NONE) {
        gain.apply(target, 0, at);
        if (used) gain.fadeIn(this.#fadeFrames);
        else gain.fadeOut(this.#fadeFrames);
        gain.apply(target, at, frames - at);
      } else gain.apply(target, 0, frames);
      if (target === scratch) {
        for (let c = 0; c < this.#channels; c++) add(scratch[c]!, feed[c]!, frames);
      }
      target = scratch;
    }
    if (target === feed) for (let c = 0; c < this.#channels; c++) feed[c]!.fill(0);
  }

  /** Lets the last frame fade out, since the input may have ended in the middle of audio. */
  #endLast(feed: readonly Float32Array[], frames: number): void {
    for (let c = 0; c < this.#channels; c++) {
      const samples = feed[c]!;
      const last = this.#last[c]!;
      // `fill` would box the number.
      for (let i = 0; i < frames; i++) samples[i] = last;
    }
    this.#tail.open();
    this.#tail.fadeOut(frames);
    this.#tail.apply(feed, 0, frames);
  }

  #tellAccount(type: 'account' | 'closed', frame: number): void {
    const account = this.#account;
    account.type = type;
    account.frame = frame;
    account.presentFrames = this.#presentFrames;
    account.missingFrames = this.#missingFrames;
    account.pausedFrames = this.#pausedFrames;
    account.mutedFrames = this.#mutedFrames;
    this.#port.postMessage(account, NOTHING);
  }

  /** @param frame where the silence was noticed, or ended */
  #tellSilence(frame: number): void {
    const { kind, silentFrames } = this.#silence;
    this.#silent.frame = frame;
    this.#silent.sinceFrame = kind === null ? frame : frame - silentFrames;
    this.#silent.kind = kind;
    this.#port.postMessage(this.#silent, NOTHING);
  }
}

/** Returns the first frame with a finite sample other than 0; `NONE` if there is no such frame. */
function firstSound(channels: readonly Float32Array[], frames: number): number {
  let first = frames;
  for (let c = 0; c < channels.length; c++) {
    const samples = channels[c]!;
    for (let i = 0; i < first; i++) {
      const sample = samples[i]!;
      if (sample !== 0 && sample - sample === 0) first = i;
    }
  }
  return first < frames ? first : NONE;
}

/** Copies samples; replaces NaN and infinities by 0, so that they do not stay in later filters and meters. */
function copyFinite(source: Float32Array | undefined, target: Float32Array, frames: number): void {
  if (source === undefined) {
    target.fill(0);
    return;
  }
  for (let i = 0; i < frames; i++) {
    const sample = source[i]!;
    target[i] = sample - sample === 0 ? sample : 0;
  }
}

function add(source: Float32Array, target: Float32Array, frames: number): void {
  for (let i = 0; i < frames; i++) target[i]! += source[i]!;
}

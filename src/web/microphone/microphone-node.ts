import type {
  MicrophoneAccount,
  MicrophoneCommand,
  MicrophoneEvent,
  MicrophoneProcessorOptions,
} from '../../core/messages.ts';
import type { SilenceKind } from '../../core/microphone/life-messages.ts';
import { MICROPHONE_OUTPUTS } from '../../core/microphone/presence.ts';
import type { SourceFeed } from '../capture-source.ts';
import { keepRendering } from '../context-life.ts';
import type { MicrophoneGap, MicrophoneSettings } from './microphone-options.ts';
import { LastWord } from '../patience.ts';

/** A new device that is silent counts as heard after this time, in ms. */
const PATIENCE_MS = 1000;
/** Length of the fades when devices are switched and at `mute()`, in ms. */
const FADE_MS = 5;

/** Events of a {@link MicrophoneNode}. */
export interface MicrophoneNodeListener {
  /** Called when the track of this request is heard. @param gap the audio that was missing before it */
  heard(request: number, gap: Omit<MicrophoneGap, 'cause'>): void;
  /**
   * Called when the device falls silent, or (null) is no longer silent.
   * @param contextTime when that began, in the context's time
   */
  silent(kind: SilenceKind | null, contextTime: number): void;
  /** Called when a render quantum has answered `ask()`. */
  answered(): void;
  /** Called when the processor has thrown; the node stays silent. */
  failed(cause: Event): void;
}

/** The microphone processor as seen from the page: its node, its messages and its frame counts. */
export class MicrophoneNode {
  readonly node: AudioWorkletNode;
  readonly feed: SourceFeed;
  readonly #listener: MicrophoneNodeListener;
  readonly #lastWord = new LastWord();
  readonly #endRendering: () => void;
  #account: MicrophoneAccount = {
    presentFrames: 0,
    missingFrames: 0,
    pausedFrames: 0,
    mutedFrames: 0,
  };
  #held: boolean | null;
  #closed = false;

  constructor(
    context: AudioContext,
    { channels, silenceMs, pushToTalk, preRollMs }: MicrophoneSettings,
    listener: MicrophoneNodeListener,
  ) {
    this.#listener = listener;
    this.#held = pushToTalk ? false : null;
    const processorOptions: MicrophoneProcessorOptions = {
      channels,
      silenceFrames: Math.round((silenceMs / 1000) * context.sampleRate),
      held: this.#held,
    };
    this.node = new AudioWorkletNode(context, 'micwire-microphone', {
      numberOfInputs: 2,
      numberOfOutputs: 3,
      outputChannelCount: [channels, channels, 1],
      channelCount: channels,
      channelCountMode: 'explicit',
      processorOptions,
    });
    const { feed: output, presence: presenceOutput } = MICROPHONE_OUTPUTS;
    this.feed = { output, presenceOutput, preRollMs };
    this.node.port.onmessage = ({ data }: MessageEvent<MicrophoneEvent>): void => this.#hear(data);
    this.node.onprocessorerror = (cause): void => listener.failed(cause);
    this.#endRendering = keepRendering(this.node);
  }

  /** Frames so far, as of the last answer to `ask()`. */
  get account(): MicrophoneAccount {
    return this.#account;
  }

  /** True between `hold()` and `release()`; null without push-to-talk. */
  get held(): boolean | null {
    return this.#held;
  }

  /** Switches to the track that is connected to this input, as soon as it is heard. */
  take(request: number, input: 0 | 1): void {
    const patienceFrames = this.#frames(PATIENCE_MS);
    this.#send({ type: 'take', input, request, patienceFrames, fadeFrames: this.#frames(FADE_MS) });
  }

  /** Marks the device as lost: from now on audio is missing. */
  lose(): void {
    this.#send({ type: 'lose' });
  }

  /** Turns silence in place of the device's audio on or off. */
  mute(on: boolean): void {
    this.#send({ type: 'mute', on, fadeFrames: this.#frames(FADE_MS) });
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#send({ type: 'hold', held });
  }

  /** Asks the next render quantum for the frame counts. */
  ask(): void {
    this.#send({ type: 'ask' });
  }

  /** Ends the processor. Resolves when that is done. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#send({ type: 'close' });
      this.#closed = true;
      this.#lastWord.await(this.node);
      this.node.disconnect();
      this.#endRendering();
    }
    return this.#lastWord.heard;
  }

  #hear(event: MicrophoneEvent): void {
    // Messages that were in transit when the node closed are ignored.
    if (this.#closed && event.type !== 'closed') return;
    const { sampleRate } = this.node.context;
    switch (event.type) {
      case 'heard': {
        const { request, frame, missingFrames: frames, silentFrames } = event;
        const durationMs = (frames / sampleRate) * 1000;
        const contextTime = frame / sampleRate;
        this.#listener.heard(request, { frames, durationMs, silentFrames, contextTime });
        break;
      }
      case 'silence':
        this.#listener.silent(event.kind, event.sinceFrame / sampleRate);
        break;
      case 'account':
        this.#take(event);
        this.#listener.answered();
        break;
      case 'closed':
        this.#take(event);
        this.#lastWord.hear(this.node.port);
        break;
    }
  }

  #take({ presentFrames, missingFrames, pausedFrames, mutedFrames }: MicrophoneAccount): void {
    this.#account = { presentFrames, missingFrames, pausedFrames, mutedFrames };
  }

  #frames(ms: number): number {
    return Math.round((ms / 1000) * this.node.context.sampleRate);
  }

  #send(command: MicrophoneCommand): void {
    if (!this.#closed) this.node.port.postMessage(command);
  }
}

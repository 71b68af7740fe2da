import { MICROPHONE_OUTPUTS } from '../../src/core/microphone/presence.ts';
import type { MicrophoneCommand, MicrophoneEvent } from '../../src/core/messages.ts';
import type { LivingSource } from '../../src/web/capture-source.ts';
import { MICROPHONE_WORKLET } from '../../src/web/microphone-worklet.ts';
import { loadWorklet } from '../../src/web/worklet-loader.ts';
import { eventually } from './eventually.ts';

/** Frames after which a signal repeats. */
export const PERIOD = 65_536;

export type DeviceNumber = 0 | 1;

/** Sample of a device at a frame of its signal. A float32 holds it exactly; it is never 0. The sign tells the device. */
function numberedSample(device: DeviceNumber, frame: number): number {
  return (device === 0 ? 1 : -1) * (0.25 + (frame % PERIOD) / PERIOD / 4);
}

/** The frame of a sample modulo `PERIOD`; undefined where it is of neither device. */
export function frameOf(device: DeviceNumber, sample: number): number | undefined {
  const frame = ((device === 0 ? sample : -sample) - 0.25) * 4 * PERIOD;
  return Number.isInteger(frame) && frame >= 0 && frame < PERIOD ? frame : undefined;
}

/** What `Microphone` is to captures, without devices: the processor itself, and two signals that tell their frames. */
export class NumberedMicrophone extends EventTarget implements LivingSource {
  readonly node: AudioWorkletNode;
  readonly captureFeed: LivingSource['captureFeed'];
  readonly events: MicrophoneEvent[] = [];
  state = 'live';
  #request = 0;

  static async open(
    context: AudioContext,
    options: { readonly preRollMs?: number; readonly held?: boolean | null } = {},
  ): Promise<NumberedMicrophone> {
    await loadWorklet(context, MICROPHONE_WORKLET);
    return new NumberedMicrophone(context, options);
  }

  private constructor(
    context: AudioContext,
    { preRollMs = 0, held = null }: { readonly preRollMs?: number; readonly held?: boolean | null },
  ) {
    super();
    const channels = 1;
    this.node = new AudioWorkletNode(context, 'micwire-microphone', {
      numberOfInputs: 2,
      numberOfOutputs: 3,
      outputChannelCount: [channels, channels, 1],
      channelCount: channels,
      channelCountMode: 'explicit',
      processorOptions: { channels, silenceFrames: context.sampleRate, held },
    });
    this.captureFeed = {
      output: MICROPHONE_OUTPUTS.feed,
      presenceOutput: MICROPHONE_OUTPUTS.presence,
      preRollMs,
    };
    this.node.port.onmessage = ({ data }: MessageEvent<MicrophoneEvent>): void =>
      void this.events.push(data);
    const pull = new GainNode(context, { gain: 0 });
    this.node.connect(pull).connect(context.destination);
    for (const device of [0, 1] as const) {
      const buffer = new AudioBuffer({ length: PERIOD, sampleRate: context.sampleRate });
      const samples = buffer.getChannelData(0);
      for (let i = 0; i < PERIOD; i++) samples[i] = numberedSample(device, i);
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      source.connect(this.node, 0, device);
      source.start();
    }
  }

  send(command: MicrophoneCommand): void {
    this.node.port.postMessage(command);
  }

  /** Presses the button, or lets it go. Resolves when the audio thread has heard of it, which on a busy machine takes its time. */
  async hold(held: boolean): Promise<void> {
    const isAccount = ({ type }: MicrophoneEvent): boolean => type === 'account';
    const { length } = this.events.filter(isAccount);
    this.send({ type: 'hold', held });
    this.send({ type: 'ask' });
    await eventually(() => {
      if (this.events.filter(isAccount).length === length) throw new Error('No answer.');
    });
  }

  /** Takes a device, without a fade. Resolves when it is heard. */
  async take(input: DeviceNumber): Promise<Extract<MicrophoneEvent, { type: 'heard' }>> {
    const request = ++this.#request;
    this.send({ type: 'take', input, request, patienceFrames: 1e9, fadeFrames: 0 });
    return eventually(() => {
      const heard = this.events.find(
        (event) => event.type === 'heard' && event.request === request,
      );
      if (heard?.type !== 'heard') throw new Error('The device is not heard.');
      return heard;
    });
  }

  enter(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

/** Waits for that much of the context's time. */
export async function contextTime(context: BaseAudioContext, seconds: number): Promise<void> {
  const end = context.currentTime + seconds;
  await eventually(() => {
    if (context.currentTime < end) throw new Error('The context does not run.');
  });
}

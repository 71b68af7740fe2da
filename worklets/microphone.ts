import type { MicrophoneCommand, MicrophoneProcessorOptions } from '../src/core/messages.ts';
import { MicrophoneEngine } from '../src/core/microphone/microphone-engine.ts';

/** Passes on one of its two inputs, and signals presence. */
class MicrophoneProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: MicrophoneEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: MicrophoneProcessorOptions }) {
    super();
    MicrophoneEngine.warmUp(processorOptions, sampleRate);
    this.#engine = new MicrophoneEngine(processorOptions, sampleRate, this.port);
    this.port.onmessage = ({ data }: MessageEvent<MicrophoneCommand>): void => {
      this.#engine?.obey(data, currentFrame);
      if (data.type !== 'close') return;
      this.#engine = null;
      this.port.onmessage = null;
    };
  }

  /** Returns true to keep the processor running, even without input, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.process(inputs, outputs, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-microphone', MicrophoneProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

import type { MicrophoneCommand, MicrophoneProcessorOptions } from '../src/core/messages.ts';
import { MicrophoneEngine } from '../src/core/microphone/microphone-engine.ts';

/** Passes on one of its two inputs, and says whether it is there. */
class MicrophoneProcessor extends AudioWorkletProcessor {
  /** Null when closed: a node that stays connected keeps its processor. */
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

  /** True keeps the processor running, also while it has no input, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.process(inputs, outputs, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-microphone', MicrophoneProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}

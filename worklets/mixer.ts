import { MixerEngine } from '../src/core/align/mixer-engine.ts';
import type { MixerCommand, MixerProcessorOptions } from '../src/core/messages.ts';

/** Aligns several sources to the context's clock, as channels of one output or mixed. */
class MixerProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: MixerEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: MixerProcessorOptions }) {
    super();
    MixerEngine.warmUp(processorOptions, sampleRate);
    this.#engine = new MixerEngine(processorOptions, sampleRate, this.port);
    this.port.onmessage = ({ data }: MessageEvent<MixerCommand>): void => {
      this.#engine?.obey(data, currentFrame);
      if (data.type !== 'close') return;
      this.#engine = null;
      this.port.onmessage = null;
    };
  }

  /** Returns true to keep the mixer running, even through silence, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.process(inputs, outputs[0]!, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-mixer', MixerProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

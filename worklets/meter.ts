import type { MeterCommand, MeterProcessorOptions } from '../src/core/messages.ts';
import { MeterEngine } from '../src/core/metering/meter-engine.ts';

/**
 * Meters its input and publishes the readings. Its output is silent: it makes engines render the node, and gives the quantum's
 * length.
 */
class MeterProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: MeterEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: MeterProcessorOptions }) {
    super();
    this.#engine = new MeterEngine(processorOptions, sampleRate, this.port);
    this.port.onmessage = ({ data }: MessageEvent<MeterCommand>): void => {
      this.#engine?.obey(data, currentFrame);
      if (data.type !== 'close') return;
      this.#engine = null;
      this.port.onmessage = null;
    };
  }

  /** Returns true to keep the meter running, even on silence, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.process(inputs[0]!, outputs[0]![0]!.length, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-meter', MeterProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { NO_SIGNAL, PRESENT } from '../src/core/microphone/presence.ts';
import type { CaptureCommand, CaptureProcessorOptions } from '../src/core/messages.ts';

/** Sends its input away in chunks. Its output is silent: it lets engines pull the node, and tells the quantum's length. */
class CaptureProcessor extends AudioWorkletProcessor {
  /** Null when closed: a node that stays connected keeps its processor. */
  #engine: CaptureEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: CaptureProcessorOptions }) {
    super();
    this.#engine = new CaptureEngine(
      processorOptions,
      sampleRate,
      this.port,
      (sink, chunkDurationMs) => new ChunkWriter({ ...processorOptions, chunkDurationMs, sink }),
    );
    this.port.onmessage = ({ data }: MessageEvent<CaptureCommand>): void => {
      this.#engine?.obey(data, currentFrame);
      if (data.type !== 'close') return;
      this.#engine = null;
      this.port.onmessage = null;
    };
  }

  /** True keeps the processor running, on silence too, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    const frames = outputs[0]![0]!.length;
    // A second input is the presence of a microphone. As an integer, since engines would box a float.
    const presence = inputs.length < 2 ? PRESENT : (inputs[1]![0]?.[0] ?? NO_SIGNAL) | 0;
    return this.#engine?.process(inputs[0]!, frames, currentFrame, presence) ?? false;
  }
}

try {
  registerProcessor('micwire-capture', CaptureProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}

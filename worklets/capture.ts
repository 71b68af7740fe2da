import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { NO_SIGNAL, PRESENT } from '../src/core/microphone/presence.ts';
import type { CaptureCommand, CaptureProcessorOptions } from '../src/core/messages.ts';

/** Captures its input as chunks. Its output is silent: it makes engines render the node, and gives the quantum's length. */
class CaptureProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
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

  /** Returns true to keep the processor running, even on silence, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    const frames = outputs[0]![0]!.length;
    // The second input is the presence of a microphone. As an integer, because engines would box a float.
    const presence = inputs.length < 2 ? PRESENT : (inputs[1]![0]?.[0] ?? NO_SIGNAL) | 0;
    return this.#engine?.process(inputs[0]!, frames, currentFrame, presence) ?? false;
  }
}

try {
  registerProcessor('micwire-capture', CaptureProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

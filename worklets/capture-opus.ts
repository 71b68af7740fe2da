import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { OpusChunkWriter } from '../src/core/capture/opus-chunk-writer.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import { NO_SIGNAL, PRESENT } from '../src/core/microphone/presence.ts';
import type { OpusCaptureCommand, OpusCaptureProcessorOptions } from '../src/core/messages.ts';

/** Like `micwire-capture`, but encodes Opus on the audio thread. In a separate file: apps that capture PCM never load it. */
class OpusCaptureProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: CaptureEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: OpusCaptureProcessorOptions }) {
    super();
    const { encoding, opus, module } = processorOptions;
    // The compiled module comes from the page, where it was warmed up; its bytes come instead if modules cannot be posted.
    const encoder = new OpusEncoder(OpusLibrary.shared(module), opus);
    this.#engine = new CaptureEngine(
      processorOptions,
      sampleRate,
      this.port,
      (sink) => new OpusChunkWriter({ encoder, encoding, sink }),
    );
    // The engine has warmed up with it, because each thread compiles its own code.
    encoder.reset();
    this.port.onmessage = ({ data }: MessageEvent<OpusCaptureCommand>): void => {
      if (data.type === 'adjust') encoder.adjust(data.options);
      else this.#engine?.obey(data, currentFrame);
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
  registerProcessor('micwire-capture-opus', OpusCaptureProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

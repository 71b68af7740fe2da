import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { OpusChunkWriter } from '../src/core/capture/opus-chunk-writer.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import type { OpusCaptureCommand, OpusCaptureProcessorOptions } from '../src/core/messages.ts';

/** The compiled module comes from the page, where it was warmed up; bytes come where modules cannot be passed. */
function moduleOf(source: WebAssembly.Module | Uint8Array<ArrayBuffer>): WebAssembly.Module {
  return source instanceof Uint8Array ? new WebAssembly.Module(source) : source;
}

/** As `micwire-capture`, but encodes Opus on the audio thread. A file of its own: who captures samples never loads it. */
class OpusCaptureProcessor extends AudioWorkletProcessor {
  readonly #engine: CaptureEngine;

  constructor({ processorOptions }: { readonly processorOptions: OpusCaptureProcessorOptions }) {
    super();
    const { format, opus, module } = processorOptions;
    const encoder = new OpusEncoder(
      new OpusLibrary(moduleOf(module as WebAssembly.Module | Uint8Array<ArrayBuffer>)),
      opus,
    );
    const { encoding } = format;
    this.#engine = new CaptureEngine(
      processorOptions,
      sampleRate,
      this.port,
      (sink) => new OpusChunkWriter({ encoder, encoding, sink }),
    );
    // The engine has warmed up with it: each thread has code of its own to compile.
    encoder.reset();
    this.port.onmessage = ({ data }: MessageEvent<OpusCaptureCommand>): void => {
      if (data.type === 'adjust') encoder.adjust(data.options);
      else this.#engine.obey(data, currentFrame);
    };
  }

  /** True keeps the processor running, on silence too, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine.process(inputs[0]!, outputs[0]![0]!.length, currentFrame);
  }
}

try {
  registerProcessor('micwire-capture-opus', OpusCaptureProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}

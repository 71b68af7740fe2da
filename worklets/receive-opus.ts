import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import type { ReceiveCommand, ReceiveProcessorOptions } from '../src/core/messages.ts';
import { ReceiveEngine } from '../src/core/receive/receive-engine.ts';
import { warmUpReceive } from '../src/core/receive/warm-up-receive.ts';

/** As `micwire-receive`, but decodes Opus. A file of its own: apps that receive samples never load it. */
class OpusReceiveProcessor extends AudioWorkletProcessor {
  /** Null when closed: a node that stays connected keeps its processor. */
  #engine: ReceiveEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: ReceiveProcessorOptions }) {
    super();
    const { opus, sampleRate: rate, channels } = processorOptions;
    // The compiled module comes from the page; bytes come where modules cannot be passed.
    const decoder = new OpusDecoder(OpusLibrary.shared(opus!), { sampleRate: rate, channels });
    warmUpReceive(processorOptions, decoder, sampleRate);
    this.#engine = new ReceiveEngine(processorOptions, decoder, sampleRate, this.port);
    this.port.onmessage = ({ data }: MessageEvent<ReceiveCommand>): void => {
      this.#engine?.obey(data, currentFrame);
      if (data.type !== 'close') return;
      this.#engine = null;
      this.port.onmessage = null;
    };
  }

  /** True keeps the processor running, through silence too, until it is closed. */
  process(_inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.render(outputs[0]!, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-receive-opus', OpusReceiveProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}

import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import type { ReceiveCommand, ReceiveProcessorOptions } from '../src/core/messages.ts';
import { ReceiveEngine } from '../src/core/receive/receive-engine.ts';
import { warmUpReceive } from '../src/core/receive/warm-up-receive.ts';

/** Like `micwire-receive`, but decodes Opus. In a separate file: apps that receive PCM never load it. */
class OpusReceiveProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: ReceiveEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: ReceiveProcessorOptions }) {
    super();
    const { opus, sampleRate: rate, channels } = processorOptions;
    // The compiled module comes from the page; its bytes come instead if modules cannot be posted.
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

  /** Returns true to keep the processor running, even through silence, until it is closed. */
  process(_inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.render(outputs[0]!, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-receive-opus', OpusReceiveProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

import { pcmCodec } from '../src/core/codec/pcm-codec.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { ReceiveCommand, ReceiveProcessorOptions } from '../src/core/messages.ts';
import { ReceiveEngine } from '../src/core/receive/receive-engine.ts';
import { warmUpReceive } from '../src/core/receive/warm-up-receive.ts';

/** Plays PCM packets from the network. Has no inputs. */
class ReceiveProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: ReceiveEngine | null;

  constructor({
    processorOptions,
  }: {
    readonly processorOptions: ReceiveProcessorOptions & StreamFormat<SampleFormat>;
  }) {
    super();
    const decoder = pcmCodec.createDecoder(processorOptions, { conceals: false });
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
  registerProcessor('micwire-receive', ReceiveProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

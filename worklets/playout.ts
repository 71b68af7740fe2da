import type { PlayoutCommand, PlayoutProcessorOptions } from '../src/core/messages.ts';
import { PlayoutEngine } from '../src/core/playout/playout-engine.ts';
import { createResampler } from '../src/core/resampler/resampler-stream.ts';

/** Plays the audio that it receives. Has no inputs. */
class PlayoutProcessor extends AudioWorkletProcessor {
  /** Null once closed: a node that stays connected keeps its processor. */
  #engine: PlayoutEngine | null;

  constructor({ processorOptions }: { readonly processorOptions: PlayoutProcessorOptions }) {
    super();
    const { resampler: plan, channels } = processorOptions;
    const resampler = plan && createResampler(plan, channels);
    PlayoutEngine.warmUp(processorOptions, sampleRate, resampler);
    this.#engine = new PlayoutEngine(processorOptions, sampleRate, this.port, resampler);
    this.port.onmessage = ({ data }: MessageEvent<PlayoutCommand>): void => {
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
  registerProcessor('micwire-playout', PlayoutProcessor);
} catch {
  // The worklet was loaded into this context again: the first registration remains.
}

import type { PlayoutCommand, PlayoutProcessorOptions } from '../src/core/messages.ts';
import { PlayoutEngine } from '../src/core/playout/playout-engine.ts';
import { createResampler } from '../src/core/resampler/resampler-stream.ts';

/** Plays what it is sent. Has no inputs. */
class PlayoutProcessor extends AudioWorkletProcessor {
  /** Null when closed: a node that stays connected keeps its processor. */
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

  /** True keeps the processor running, through silence too, until it is closed. */
  process(_inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    return this.#engine?.render(outputs[0]!, currentFrame) ?? false;
  }
}

try {
  registerProcessor('micwire-playout', PlayoutProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}

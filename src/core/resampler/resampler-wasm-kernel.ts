import type { ResamplerPlan, ResamplerKernel } from './resampler-plan.ts';
import { ResamplerLayout } from './resampler-wasm-layout.ts';
import { instantiateWasm } from '../dsp/wasm-instance.ts';
import type { WasmInstance } from '../dsp/wasm-instance.ts';

type Run = (
  first: number,
  stages: number,
  input: number,
  frames: number,
  slice: number,
  output: number,
  wide: number,
) => number;

/** What wasm/resampler/single.ts and wide.ts export. Addresses are in bytes; single precision ignores `wide`. */
interface ResamplerExports {
  readonly outputFrames: (first: number, stages: number, frames: number) => number;
  readonly run: Run;
}

/**
 * V8 compiles a faster way from JavaScript into an exported function at its thousandth call, which takes longer than many
 * quanta: the constructor makes these calls.
 */
const WARM_UP_CALLS = 1100;

/** Runs a plan's stages in WebAssembly, in single precision up to `hq` and in double precision for `vhq`. */
export class WasmKernel implements ResamplerKernel {
  readonly execution = 'wasm' as const;
  readonly maxFrames: number;
  readonly #instance: WasmInstance<ResamplerExports>;
  readonly #outputFrames: ResamplerExports['outputFrames'];
  readonly #run: Run;
  readonly #memory: Float32Array;
  readonly #state: Int32Array;
  /** The state as it was laid out, to reset to. */
  readonly #initialState: Int32Array;
  /** Where the lines of all stages lie, in values of four bytes. */
  readonly #linesFrom: number;
  readonly #linesTo: number;
  readonly #channels: number;
  readonly #stages: number;
  readonly #slice: number;
  /** Address of the first value, in double precision; 0 in single. */
  readonly #wide: number;
  /** Addresses per channel. */
  readonly #states: readonly number[];
  readonly #inputs: readonly number[];
  readonly #outputs: readonly number[];
  /** Views of outputs by length, one made when a length is first met: a stream meets two or three. */
  readonly #views: (Float32Array | undefined)[][];

  /** Undefined when WebAssembly cannot run here. */
  static create(plan: ResamplerPlan, channels: number): WasmKernel | undefined {
    const layout = new ResamplerLayout(plan, channels);
    const instance = instantiateWasm<ResamplerExports>(
      `resampler ${layout.wide === 0 ? 'single' : 'wide'}`,
      plan.wasm!,
      layout.bytes,
    );
    return instance && new WasmKernel(layout, instance);
  }

  private constructor(layout: ResamplerLayout, instance: WasmInstance<ResamplerExports>) {
    const { exports, memory } = instance;
    this.#instance = instance;
    this.#outputFrames = exports.outputFrames;
    this.#run = exports.run;
    this.#memory = new Float32Array(memory);
    layout.write(memory);
    this.maxFrames = layout.maxFrames;
    this.#slice = layout.slice;
    this.#channels = layout.states.length;
    this.#stages = layout.stages;
    this.#wide = layout.wide;
    this.#states = layout.states;
    this.#inputs = layout.inputs;
    this.#outputs = layout.outputs;
    this.#linesFrom = layout.linesFrom / 4;
    this.#linesTo = layout.linesTo / 4;
    this.#state = new Int32Array(memory, 0, layout.stateBytes / 4);
    this.#initialState = this.#state.slice();
    this.#views = layout.outputs.map(() => []);
    for (let i = 0; i < WARM_UP_CALLS; i++) this.#convertChannel(0, 0);
  }

  release(): void {
    this.#instance.release();
  }

  outputFramesFor(frames: number): number {
    return this.#outputFrames(this.#states[0]!, this.#stages, frames);
  }

  convert(
    input: readonly Float32Array[] | undefined,
    from: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
    limit: number = Infinity,
  ): number {
    const memory = this.#memory;
    let count = 0;
    for (let c = 0; c < this.#channels; c++) {
      const to = this.#inputs[c]!;
      const source = input === undefined ? undefined : input[c]!;
      if (source === undefined) memory.fill(0, to >> 2, (to >> 2) + frames);
      else if (frames === source.length) memory.set(source, to >> 2);
      else for (let i = 0; i < frames; i++) memory[(to >> 2) + i] = source[from + i]!;

      count = this.#convertChannel(c, frames);
      if (count > limit) count = limit;
      if (count > 0) {
        const views = this.#views[c]!;
        const view = (views[count] ??= new Float32Array(memory.buffer, this.#outputs[c]!, count));
        output[c]!.set(view, at);
      }
    }
    return count;
  }

  /** Converts what lies in the channel's input; returns how many frames then lie in its output. */
  #convertChannel(channel: number, frames: number): number {
    const run = this.#run;
    return run(
      this.#states[channel]!,
      this.#stages,
      this.#inputs[channel]!,
      frames,
      this.#slice,
      this.#outputs[channel]!,
      this.#wide,
    );
  }

  reset(): void {
    this.#state.set(this.#initialState);
    this.#memory.fill(0, this.#linesFrom, this.#linesTo);
  }
}

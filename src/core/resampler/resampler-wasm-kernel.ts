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

/** The exports of wasm/resampler/single.ts and wide.ts. Addresses are in bytes; single precision ignores `wide`. */
interface ResamplerExports {
  readonly outputFrames: (first: number, stages: number, frames: number) => number;
  readonly run: Run;
}

/**
 * At an exported function's thousandth call, V8 compiles a faster entry from JavaScript, which takes longer than many quanta:
 * the constructor makes these calls on a new instance.
 */
const WARM_UP_CALLS = 1100;

/** An instance and the streams in its memory: see {@link ResamplerLayout}. */
export class WasmResamplers {
  readonly layout: ResamplerLayout;
  readonly exports: ResamplerExports;
  readonly memory: Float32Array;
  /** The initial states, for resets. */
  readonly initialStates: Int32Array;
  /** Views of the output by length, each created when its length first occurs: a stream has two or three lengths. */
  readonly views: (Float32Array | undefined)[] = [];
  /** Whether nothing has called the exports yet. */
  isNew: boolean;
  readonly #instance: WasmInstance<ResamplerExports>;

  /** Creates an instance; undefined if WebAssembly cannot run here. */
  static create(plan: ResamplerPlan, channels: number, seats: number): WasmResamplers | undefined {
    const layout = new ResamplerLayout(plan, channels, seats);
    const instance = instantiateWasm<ResamplerExports>(
      `resampler ${layout.wide === 0 ? 'single' : 'wide'}`,
      plan.wasm!,
      layout.bytes,
    );
    return instance && new WasmResamplers(layout, instance);
  }

  private constructor(layout: ResamplerLayout, instance: WasmInstance<ResamplerExports>) {
    this.layout = layout;
    this.exports = instance.exports;
    this.memory = new Float32Array(instance.memory);
    this.#instance = instance;
    this.isNew = instance.isNew;
    layout.write(instance.memory);
    const { states, stateBytes } = layout.seats.at(-1)!;
    this.initialStates = new Int32Array(instance.memory, 0, (states[0]! + stateBytes) / 4).slice();
  }

  release(): void {
    this.#instance.release();
  }
}

/** Runs a plan's stages in WebAssembly, in single precision up to `hq` and in double precision for `vhq`. */
export class WasmKernel implements ResamplerKernel {
  readonly execution = 'wasm' as const;
  readonly maxFrames: number;
  readonly #outputFrames: ResamplerExports['outputFrames'];
  readonly #run: Run;
  readonly #memory: Float32Array;
  readonly #state: Int32Array;
  readonly #initialState: Int32Array;
  /** The range of all stages' lines, in units of four bytes. */
  readonly #linesFrom: number;
  readonly #linesTo: number;
  readonly #stages: number;
  readonly #slice: number;
  /** Address of the first value, in double precision; 0 in single. */
  readonly #wide: number;
  /** Addresses by channel. */
  readonly #states: readonly number[];
  readonly #input: number;
  readonly #output: number;
  readonly #views: (Float32Array | undefined)[];
  readonly #release: () => void;

  /** Creates a stream in its own instance; undefined if WebAssembly cannot run here. */
  static create(plan: ResamplerPlan, channels: number): WasmKernel | undefined {
    const resamplers = WasmResamplers.create(plan, channels, 1);
    return resamplers && new WasmKernel(resamplers, 0, () => resamplers.release());
  }

  /** @param release called when another stream may take the seat */
  constructor(resamplers: WasmResamplers, seat: number, release: () => void) {
    const { exports, layout, memory } = resamplers;
    const { states, stateBytes, linesFrom, linesTo } = layout.seats[seat]!;
    this.#outputFrames = exports.outputFrames;
    this.#run = exports.run;
    this.#memory = memory;
    this.maxFrames = layout.maxFrames;
    this.#slice = layout.slice;
    this.#stages = layout.stages;
    this.#wide = layout.wide;
    this.#states = states;
    this.#input = layout.input;
    this.#output = layout.output;
    this.#linesFrom = linesFrom / 4;
    this.#linesTo = linesTo / 4;
    this.#state = new Int32Array(memory.buffer, states[0], stateBytes / 4);
    const from = states[0]! / 4;
    this.#initialState = resamplers.initialStates.subarray(from, from + stateBytes / 4);
    this.#views = resamplers.views;
    this.#release = release;
    if (!resamplers.isNew) return;
    for (let i = 0; i < WARM_UP_CALLS; i++) this.#convertChannel(0, 0);
    resamplers.isNew = false;
  }

  release(): void {
    this.#release();
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
    const to = this.#input;
    let count = 0;
    for (let c = 0; c < this.#states.length; c++) {
      const source = input === undefined ? undefined : input[c]!;
      if (source === undefined) memory.fill(0, to >> 2, (to >> 2) + frames);
      else if (frames === source.length) memory.set(source, to >> 2);
      else for (let i = 0; i < frames; i++) memory[(to >> 2) + i] = source[from + i]!;

      count = this.#convertChannel(c, frames);
      if (count > limit) count = limit;
      if (count > 0) {
        const view = (this.#views[count] ??= new Float32Array(memory.buffer, this.#output, count));
        output[c]!.set(view, at);
      }
    }
    return count;
  }

  /** Converts the input as audio of this channel; returns how many frames are in the output then. */
  #convertChannel(channel: number, frames: number): number {
    const run = this.#run;
    return run(
      this.#states[channel]!,
      this.#stages,
      this.#input,
      frames,
      this.#slice,
      this.#output,
      this.#wide,
    );
  }

  reset(): void {
    this.#state.set(this.#initialState);
    this.#memory.fill(0, this.#linesFrom, this.#linesTo);
  }
}

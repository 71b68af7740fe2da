/** What computes: a WebAssembly SIMD kernel, or plain TypeScript. */
export type ResamplerExecution = 'wasm' | 'typescript';

/** What computes a block: stages of any execution. `frames` never exceeds `maxFrames`. */
export interface ResamplerKernel {
  readonly execution: ResamplerExecution;
  readonly maxFrames: number;
  /**
   * Converts `frames` frames of `input` from `from` on, or of silence when it is undefined; writes at most `limit` frames to
   * `output` from `at` on and returns how many it wrote.
   */
  convert(
    input: readonly Float32Array[] | undefined,
    from: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
    limit?: number,
  ): number;
  /** How many frames `frames` inputs would give in all, in blocks of at most `maxFrames`. */
  outputFramesFor(frames: number): number;
  reset(): void;
  /** Gives the memory back. Nothing may be called after. */
  release?(): void;
}

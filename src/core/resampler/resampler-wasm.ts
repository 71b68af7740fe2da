/** The WebAssembly API as far as the resampler needs it. The global is looked up at run time: a scope may lack it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => {
    readonly exports: object;
  };
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => WasmMemory;
}

/** A `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** What wasm/resampler/index.ts exports. Addresses are in bytes. */
export interface ResamplerExports {
  outputFrames(first: number, stages: number, frames: number): number;
  run32(
    first: number,
    stages: number,
    input: number,
    frames: number,
    slice: number,
    output: number,
  ): number;
  run64(
    first: number,
    stages: number,
    input: number,
    frames: number,
    slice: number,
    output: number,
    wide: number,
  ): number;
}

/** A kernel of its own, with `bytes` of memory. */
export interface ResamplerInstance {
  readonly exports: ResamplerExports;
  readonly memory: ArrayBuffer;
}

const PAGE_BYTES = 65_536;

/** Undefined when the scope has no WebAssembly, or its Content Security Policy forbids compiling, or the engine lacks SIMD. */
export function compileResampler(bytes: Uint8Array): object | undefined {
  const api = webAssembly();
  if (api === undefined) return undefined;
  try {
    return new api.Module(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined where {@link compileResampler} is. `module` may be the bytes. */
export function instantiateResampler(module: object, bytes: number): ResamplerInstance | undefined {
  const api = webAssembly();
  const compiled = module instanceof Uint8Array ? compileResampler(module) : module;
  if (api === undefined || compiled === undefined) return undefined;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new api.Memory({ initial: pages, maximum: pages });
  const { exports } = new api.Instance(compiled, { env: { memory } });
  return { exports: exports as ResamplerExports, memory: memory.buffer };
}

function webAssembly(): WebAssemblyApi | undefined {
  return (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
}

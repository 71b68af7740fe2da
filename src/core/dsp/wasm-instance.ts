/** The WebAssembly API as far as kernels need it. The global is looked up at run time: a scope may lack it. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: { readonly buffer: ArrayBuffer } } },
  ) => { readonly exports: object };
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer;
  };
}

/** A module with memory of its own. */
export interface WasmInstance<Exports> {
  readonly exports: Exports;
  readonly memory: ArrayBuffer;
}

const PAGE_BYTES = 65_536;

/** Undefined when the scope has no WebAssembly, or its Content Security Policy forbids compiling, or the engine lacks SIMD. */
export function compileWasm(bytes: Uint8Array): object | undefined {
  const api = webAssembly();
  if (api === undefined) return undefined;
  try {
    return new api.Module(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined where {@link compileWasm} is. `module` may be the bytes; it imports `env.memory`, of which `bytes` are needed. */
export function instantiateWasm<Exports>(
  module: object,
  bytes: number,
): WasmInstance<Exports> | undefined {
  const api = webAssembly();
  const compiled = module instanceof Uint8Array ? compileWasm(module) : module;
  if (api === undefined || compiled === undefined) return undefined;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new api.Memory({ initial: pages, maximum: pages });
  const { exports } = new api.Instance(compiled, { env: { memory } });
  return { exports: exports as Exports, memory: memory.buffer };
}

function webAssembly(): WebAssemblyApi | undefined {
  return (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
}

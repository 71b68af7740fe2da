/** The part of the WebAssembly API that kernels need. The global is looked up at run time: a scope may lack it. */
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

/** An instance of a module with its own memory. */
export interface WasmInstance<Exports> {
  readonly exports: Exports;
  readonly memory: ArrayBuffer;
  /** Whether nothing has called its exports yet. */
  readonly isNew: boolean;
  /** Releases the instance for the next kernel of this scope that needs one of the same size. Do not use it afterwards. */
  release(): void;
}

const PAGE_BYTES = 65_536;

/** Released instances, by kernel and pages. */
const released = new Map<string, { readonly exports: object; readonly memory: ArrayBuffer }[]>();
/** Most instances of one kind that are kept. */
const MAX_RELEASED = 4;

/**
 * Compiles a module; undefined if the scope has no WebAssembly, its Content Security Policy forbids compiling, or the engine
 * lacks SIMD.
 */
export function compileWasm(bytes: Uint8Array): object | undefined {
  const api = webAssembly();
  if (api === undefined) return undefined;
  try {
    return new api.Module(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Instantiates a kernel. In Chromium each memory takes about 10 GB of address space, whatever its size, and a process has room
 * for about 120 of them, so released instances are used first, with their memory cleared.
 * @param kernel identifies the module: a posted module is a different object each time
 * @param module the module or its bytes; it imports `env.memory`, and has no other data or state
 * @param bytes how much memory the kernel needs
 * @returns undefined if {@link compileWasm} returns it, and if no address space is left: the caller then computes in TypeScript
 */
export function instantiateWasm<Exports>(
  kernel: string,
  module: object,
  bytes: number,
): WasmInstance<Exports> | undefined {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const key = `${kernel} ${pages}`;
  let free = released.get(key);
  if (free === undefined) released.set(key, (free = []));
  const spare = free.pop();
  if (spare !== undefined) new Uint8Array(spare.memory).fill(0);
  const made = spare ?? instantiate(module, pages);
  if (made === undefined) return undefined;
  const { exports, memory } = made;
  let held = true;
  return {
    exports: exports as Exports,
    memory,
    isNew: spare === undefined,
    release() {
      if (held && free.length < MAX_RELEASED) free.push(made);
      held = false;
    },
  };
}

function instantiate(
  module: object,
  pages: number,
): { readonly exports: object; readonly memory: ArrayBuffer } | undefined {
  const api = webAssembly();
  const compiled = module instanceof Uint8Array ? compileWasm(module) : module;
  if (api === undefined || compiled === undefined) return undefined;
  try {
    const memory = new api.Memory({ initial: pages, maximum: pages });
    const { exports } = new api.Instance(compiled, { env: { memory } });
    return { exports, memory: memory.buffer };
  } catch {
    return undefined;
  }
}

function webAssembly(): WebAssemblyApi | undefined {
  return (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
}

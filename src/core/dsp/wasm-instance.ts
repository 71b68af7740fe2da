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
  /** Whether nothing has called its exports yet. */
  readonly isNew: boolean;
  /** Gives the instance back, for the next kernel of this scope that needs one as large. Nothing may use it after. */
  release(): void;
}

const PAGE_BYTES = 65_536;

/** Instances that were given back, by kernel and pages. */
const released = new Map<string, { readonly exports: object; readonly memory: ArrayBuffer }[]>();
/** How many of one kind are kept. */
const MAX_RELEASED = 4;

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

/**
 * Instantiates a kernel. Each memory takes some 10 GB of address space in Chromium, whatever its size, and a process has room
 * for some 120 of them: so instances that were released are taken first, with their memory cleared.
 * @param kernel names the module: what is posted to a scope is another object each time
 * @param module or its bytes; it imports `env.memory`, and has neither data nor state besides
 * @param bytes of memory that are needed
 * @returns undefined where {@link compileWasm} is, and where the address space is used up: TypeScript computes then
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

import { describe } from '../arguments.ts';
import { MicwireError } from '../errors.ts';

/**
 * A compiled `WebAssembly.Module` of libopus, as returned by `loadOpusModule` of entry `micwire`. Do not compile it on the audio
 * thread: modules can be posted to workers and passed to worklets, and all share the compiled code.
 */
export type OpusModule = object;

/** The part of `WebAssembly` that is used here: every scope has it, but ECMAScript does not define it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown };
};
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/**
 * The module's exports by their minified names, which are valid for libopus-wasm 0.4.0 only; a test compares them with the package.
 * A pointer is a byte offset; functions that return a length return a negative error code of `opus_defines.h` on failure.
 */
interface Exports {
  /** memory */
  readonly g: WasmMemory;
  /** Constructors of the C runtime. */
  readonly h: () => void;
  readonly i: CreateEncoder;
  readonly j: (encoder: number) => void;
  readonly l: EncodeFloat;
  readonly m: (encoder: number, request: number, value: number) => number;
  readonly o: (encoder: number) => number;
  readonly p: (encoder: number) => number;
  readonly q: (sampleRate: number, channels: number, error: number) => number;
  readonly r: (decoder: number) => void;
  readonly t: DecodeFloat;
  readonly B: (decoder: number, request: number, value: number) => number;
  readonly D: () => number;
  readonly E: (bytes: number) => number;
  readonly F: (pointer: number) => void;
}
type CreateEncoder = (
  sampleRate: number,
  channels: number,
  application: number,
  error: number,
) => number;
type EncodeFloat = (
  encoder: number,
  samples: number,
  frames: number,
  packet: number,
  maxBytes: number,
) => number;
type DecodeFloat = (
  decoder: number,
  packet: number,
  bytes: number,
  samples: number,
  maxFrames: number,
  fec: number,
) => number;

/** The exports by their names in libopus-wasm, for the test that compares them. */
export const OPUS_EXPORTS: Readonly<Record<string, keyof Exports>> = {
  memory: 'g',
  _oc_create_encoder: 'i',
  _oc_destroy_encoder: 'j',
  _oc_encode_float: 'l',
  _oc_encoder_ctl: 'm',
  _oc_encoder_ctl_get_lookahead: 'o',
  _oc_encoder_ctl_get_in_dtx: 'p',
  _oc_create_decoder: 'q',
  _oc_destroy_decoder: 'r',
  _oc_decode_float: 't',
  _oc_decoder_ctl: 'B',
  _oc_get_version_string: 'D',
  _malloc: 'E',
  _free: 'F',
};

const WASM_PAGE_BYTES = 65_536;

/** The shared library of this scope: see {@link OpusLibrary.shared}. */
let shared: OpusLibrary | undefined;

/**
 * An instance of libopus in this scope. Create one, and any number of encoders and decoders on it. It takes about a millisecond and
 * 17 MiB of address space, most of which stays unused.
 */
export class OpusLibrary {
  /** @internal */
  readonly exports: Exports;
  /** The instance's memory. The arrays are replaced when it grows, which happens only when an encoder or a decoder is created. */
  bytes: Uint8Array;
  /** @internal */
  floats: Float32Array;

  /**
   * Returns the shared library of this scope, which is created at the first call: any number of encoders and decoders share one
   * WebAssembly memory. In Chromium a process has room for about 120 of these.
   * @param module the module, or its bytes, which are compiled only when needed
   * @throws as the constructor does
   */
  static shared(module: OpusModule): OpusLibrary {
    if (shared === undefined || shared.#broken) {
      const compiled = module instanceof Uint8Array ? new WebAssembly.Module(module) : module;
      shared = new OpusLibrary(compiled);
    }
    return shared;
  }

  /** True once the instance has aborted: its memory is no longer usable. */
  #broken = false;
  /**
   * Pointers to the memory through which samples and packets pass, 0 before the first encoder or decoder. All share it, because
   * each is done with it when its call returns: a server's thousand decoders take 110 kB, and it stays in the processor's cache.
   * @internal
   */
  samples = 0;
  /** @internal */
  packet = 0;
  #samplesBytes = 0;
  #packetBytes = 0;

  /**
   * @throws TypeError when `module` is not a module; MicwireError 'codec-load' when it is not the expected build of libopus,
   *   'out-of-memory' when there is not enough memory
   */
  constructor(module: OpusModule) {
    if (typeof module !== 'object' || module === null) {
      throw new TypeError(`module must be a WebAssembly.Module, got ${describe(module)}.`);
    }
    const grow = (wanted: number): number => (this.#grow(wanted >>> 0) ? 1 : 0);
    // Functions that the C runtime may call: a timer and an exit that libopus never uses, more memory, output, abort.
    const stop = (): never => {
      this.#broken = true;
      throw new Error('libopus stopped itself.');
    };
    const imports = { a: nothing, b: grow, c: nothing, d: nothing, e: nothing, f: stop };
    this.exports = instantiate(module, { a: imports });
    const { buffer } = this.exports.g;
    this.bytes = new Uint8Array(buffer);
    this.floats = new Float32Array(buffer);
  }

  /** Name and version as reported by libopus: 'libopus 1.6.1'. */
  get version(): string {
    let text = '';
    for (let at = this.exports.D(); this.bytes[at] !== 0; at++) {
      text += String.fromCharCode(this.bytes[at]!);
    }
    return text;
  }

  /**
   * Grows `samples` and `packet` to at least these sizes: in constructors only. They are kept for the next encoder or decoder.
   * @throws MicwireError 'out-of-memory' @internal
   */
  reserve(samplesBytes: number, packetBytes: number): void {
    if (samplesBytes > this.#samplesBytes) {
      this.samples = this.#replace(this.samples, samplesBytes);
      this.#samplesBytes = samplesBytes;
    }
    if (packetBytes > this.#packetBytes) {
      this.packet = this.#replace(this.packet, packetBytes);
      this.#packetBytes = packetBytes;
    }
  }

  /** @returns an 8-byte aligned pointer; the old one stays valid if there is no memory */
  #replace(old: number, bytes: number): number {
    const pointer = this.exports.E(bytes);
    if (pointer === 0) throw outOfMemory(bytes);
    if (old !== 0) this.exports.F(old);
    return pointer;
  }

  #grow(wanted: number): boolean {
    const memory = this.exports.g;
    const missing = Math.ceil((wanted - memory.buffer.byteLength) / WASM_PAGE_BYTES);
    try {
      if (missing > 0) memory.grow(missing);
    } catch {
      return false;
    }
    this.bytes = new Uint8Array(memory.buffer);
    this.floats = new Float32Array(memory.buffer);
    return true;
  }
}

function instantiate(
  module: OpusModule,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Exports {
  try {
    const exports = new WebAssembly.Instance(module, imports).exports as Exports;
    exports.h();
    return exports;
  } catch (cause) {
    if (cause instanceof RangeError) throw noMemory('a memory of WebAssembly', cause);
    throw new MicwireError(
      'codec-load',
      'The module given is not the libopus that belongs to this version of micwire. Take the module from loadOpusModule() of ' +
        'the same version; a hosted copy of libopus.wasm has to be renewed with the package.',
      { cause },
    );
  }
}

/** The error when libopus has no memory for an encoder or a decoder. @internal */
export function outOfMemory(bytes?: number): MicwireError {
  return noMemory(bytes === undefined ? 'an encoder or a decoder' : `${bytes} bytes`);
}

function noMemory(what: string, cause?: unknown): MicwireError {
  return new MicwireError(
    'out-of-memory',
    `libopus has no room for ${what}. Call close() on captures, recorders, receivers and playouts that are not used any more, and close their contexts.`,
    cause === undefined ? undefined : { cause },
  );
}

function nothing(): number {
  return 0;
}

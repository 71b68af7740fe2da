import { opusWasm } from '../../scripts/opus-wasm.mjs';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

/** libopus as the package is built with it. Compiled once. */
export function opusModule(): Promise<WebAssembly.Module> {
  compiled ??= opusWasm().then(({ bytes }) => WebAssembly.compile(bytes as BufferSource));
  return compiled;
}

/** A new instance of libopus. */
export async function opusLibrary(): Promise<OpusLibrary> {
  return new OpusLibrary(await opusModule());
}

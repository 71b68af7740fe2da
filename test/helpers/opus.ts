import { opusWasm } from '../../scripts/opus-wasm.mjs';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

/** libopus as the package is built with it. Compiled once. */
export function opusModule(): Promise<WebAssembly.Module> {
  compiled ??= opusWasm().then(({ bytes }) => WebAssembly.compile(bytes as BufferSource));
  return compiled;
}

/** The file as an address, for the option `opusUrl` where there is no server. */
export async function opusDataUrl(): Promise<string> {
  const { bytes } = await opusWasm();
  return `data:application/wasm;base64,${Buffer.from(bytes).toString('base64')}`;
}

/** A new instance of libopus. */
export async function opusLibrary(): Promise<OpusLibrary> {
  return new OpusLibrary(await opusModule());
}

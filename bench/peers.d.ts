/** What the suites use of the peers: the packages are installed only when a suite runs. */
declare module 'js-base64' {
  export function fromUint8Array(bytes: Uint8Array): string;
  export function toUint8Array(text: string): Uint8Array;
}
declare module '@echogarden/speex-resampler-wasm/simd' {
  /** An Emscripten module with the C functions of speex_resampler.h. */
  export default function load(): Promise<unknown>;
}

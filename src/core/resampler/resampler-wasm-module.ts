import { decodeBase64 } from '../base64/base64.ts';
import { compileWasm } from '../dsp/wasm-instance.ts';
import { RESAMPLER_WASM } from './resampler-wasm-bytes.ts';

let module: object | undefined;

/** The compiled kernel, or its bytes where compiling failed here: elsewhere it may not. Kept out of worklet bundles. */
export function resamplerModule(): object {
  if (module === undefined) {
    const bytes = decodeBase64(RESAMPLER_WASM);
    module = compileWasm(bytes) ?? bytes;
  }
  return module;
}

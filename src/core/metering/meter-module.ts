import { bytesOfText } from '../dsp/byte-text.ts';
import { METER_WASM } from './meter-wasm-bytes.ts';
import { compileWasm } from '../dsp/wasm-instance.ts';

let module: object | undefined;

/**
 * Returns the meters' kernel for the option `wasm`: a `WebAssembly.Module`, or its bytes if compiling failed here, because it may
 * succeed in another scope. Compiled only once. The result can be sent to another thread.
 */
export function meterModule(): object {
  if (module === undefined) {
    const bytes = bytesOfText(METER_WASM);
    module = compileWasm(bytes) ?? bytes;
  }
  return module;
}

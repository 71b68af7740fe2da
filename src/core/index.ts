/** Entry `micwire/core`: kernels, formats and framings. Runs in any scope. */
export { MicwireError, PacketError } from './errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from './errors.ts';

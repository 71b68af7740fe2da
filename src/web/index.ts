/** Entry `micwire`: capture, meter and playout for a page. Touches no global when it loads. */
export { MicwireError, PacketError } from '../core/errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from '../core/errors.ts';

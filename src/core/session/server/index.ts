/** Entry `micwire/session-server`: the server's side of the micwire protocol, for servers of any kind. Runs in any scope. */
export { PacketError } from '../../errors.ts';
export {
  CLOSING,
  MAX_MESSAGE_BYTES,
  PROTOCOL_NAME,
  decodeProtocol,
  encodeProtocol,
} from '../protocol.ts';
export type { HelloMessage, ProtocolMessage, WelcomeMessage } from '../protocol.ts';
export { tokenOf, tokenProtocol } from '../token-protocol.ts';
export type { ServerSession, ServerSessionStats } from './server-session.ts';
export type { ReplyStats } from './reply-queue.ts';
export type {
  PlayedPlace,
  SessionAnswer,
  SessionArrival,
  SessionAudio,
  SessionClient,
  SessionEnding,
  SessionHost,
  SessionRefusal,
  SessionWire,
} from './session-host.ts';
export { SessionServer } from './session-server.ts';
export type { ServerConnection, SessionServerOptions } from './session-server.ts';

/** Entry `micwire/sdp`: WebRTC session descriptions, candidates and signals. Runs in any scope. */
export { PacketError } from '../errors.ts';
export type { PacketErrorReason } from '../errors.ts';
export { parseIceCandidate } from './ice-candidate.ts';
export type { IceCandidate } from './ice-candidate.ts';
export type { IceCandidateType } from './ice-report.ts';
export { explainSdp } from './sdp-explained.ts';
export type { ExplainedSdp, ExplainedSdpLine } from './sdp-explained.ts';
export { parseSdp } from './sdp.ts';
export type { Sdp, SdpCodec, SdpLine, SdpMedia } from './sdp.ts';
export { parseSignal } from './signal-message.ts';
export type {
  ByeSignal,
  CallRole,
  CandidateSignal,
  DescribeSignal,
  RestartSignal,
  SignalMessage,
} from './signal-message.ts';
export { parseSignallingReply, parseSignallingRequest } from './signalling-protocol.ts';
export type {
  ErrorReply,
  JoinRequest,
  JoinedReply,
  PingRequest,
  PongReply,
  ReadyReply,
  SignallingErrorCode,
  SignallingReply,
  SignallingRequest,
} from './signalling-protocol.ts';
export { SIGNALLING_ERROR_CODES } from './signalling-protocol.ts';

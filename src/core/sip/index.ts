/** Entry `micwire/sip-ladder`: reads and explains SIP messages, and draws them as a ladder. Runs in any scope. */
export { PacketError } from '../errors.ts';
export type { PacketErrorReason } from '../errors.ts';
export type { Sdp } from '../webrtc/sdp.ts';
export { parseSipAuthentication } from './sip-authentication.ts';
export type { SipAuthentication } from './sip-authentication.ts';
export type { SipDialog, SipDialogState } from './sip-dialogs.ts';
export { explainSipMessage } from './sip-explained.ts';
export type { ExplainedSipHeader, ExplainedSipMessage } from './sip-explained.ts';
export { SipLadder } from './sip-ladder.ts';
export type { SipLadderEntry, SipLadderOptions, SipObservation } from './sip-ladder.ts';
export { sipLadderSvg, sipLadderText } from './sip-ladder-drawing.ts';
export type { SipLadderSvgOptions } from './sip-ladder-drawing.ts';
export { parseSipMessage, sipHeader } from './sip-message.ts';
export type {
  SipHeader,
  SipMessage,
  SipMessageFields,
  SipRequest,
  SipResponse,
  SipVia,
} from './sip-message.ts';
export { sipStatus } from './sip-status.ts';
export type { SipStatusMeaning } from './sip-status.ts';
export type { SipTransaction, SipTransactionState } from './sip-transactions.ts';
export { parseSipUri } from './sip-uri.ts';
export type { SipAddress, SipUri } from './sip-uri.ts';

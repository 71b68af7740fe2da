/** Entry `micwire/sip`: a SIP telephone in a page, and tools to parse, explain and draw SIP messages. */
export * from '../../core/sip/index.ts';
export { SipCall } from './sip-call.ts';
export type {
  SipCallEventMap,
  SipCallOptions,
  SipCallState,
  SipDtmf,
  SipDtmfOptions,
} from './sip-call-options.ts';
export { SipError } from './sip-error.ts';
export type { SipErrorReason } from './sip-error.ts';
export { SipPhone } from './sip-phone.ts';
export type { SipPhoneEventMap, SipPhoneOptions, SipPhoneState } from './sip-phone-options.ts';
export type { SipTransfer } from './sip-transfer.ts';

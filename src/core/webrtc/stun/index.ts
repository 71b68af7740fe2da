/** Entry `micwire/stun`: reads, writes and explains STUN and TURN messages. Runs in any scope. */
export { PacketError } from '../../errors.ts';
export type { PacketErrorReason } from '../../errors.ts';
export {
  FIRST_CHANNEL,
  LAST_CHANNEL,
  isChannelData,
  parseChannelData,
  writeChannelData,
} from './channel-data.ts';
export type { ChannelData } from './channel-data.ts';
export { packetKind } from './packet-kind.ts';
export type { PacketKind } from './packet-kind.ts';
export { stunAttributeName } from './stun-attribute-table.ts';
export { explainStun } from './stun-explained.ts';
export type { ExplainStunOptions, ExplainedStun, StunField } from './stun-explained.ts';
export { hasRightFingerprint, isSignedWith, longTermKey } from './stun-integrity.ts';
export type { LongTermCredential } from './stun-integrity.ts';
export {
  STUN_ATTRIBUTE,
  STUN_CLASS,
  STUN_METHOD,
  isStun,
  parseStun,
  stunAddress,
  stunAttribute,
  stunErrorCode,
  stunText,
} from './stun-message.ts';
export type { StunAttribute, StunMessage } from './stun-message.ts';
export { StunWriter } from './stun-writer.ts';
export type { StunFinish } from './stun-writer.ts';
export { canonicalIp } from './transport-address.ts';
export type { TransportAddress } from './transport-address.ts';

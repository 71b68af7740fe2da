/** Entry `micwire/rtp`: packets, redundancy, reports and logs of RTP. Runs in any scope. */
export { PacketError } from '../errors.ts';
export { AdaptiveRedundancy } from './adaptive-redundancy.ts';
export type { RedundantEncoder } from './adaptive-redundancy.ts';
export {
  AUDIO_LEVEL_URI,
  audioLevelByte,
  audioLevelHasVoice,
  audioLevelOf,
  HeaderExtensionCursor,
  headerExtensionBytes,
  writeHeaderExtensions,
} from './header-extensions.ts';
export type { HeaderExtension } from './header-extensions.ts';
export { InterarrivalJitter, ReceptionStatistics } from './reception-statistics.ts';
export { LossReporter } from './loss-reporter.ts';
export type { LossReporterOptions } from './loss-reporter.ts';
export { LossRuns } from './loss-runs.ts';
export {
  lossPatternBytes,
  readLossPatterns,
  summarizeLosses,
  writeLossPattern,
} from './loss-pattern.ts';
export type { LossPattern, LossSummary } from './loss-pattern.ts';
export {
  ntpFraction,
  ntpSeconds,
  isRtcp,
  readReports,
  reportBytes,
  roundTripMs,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from './rtcp.ts';
export { PcapngWriter } from './pcapng.ts';
export type { PcapDirection, PcapEndpoint, PcapngOptions } from './pcapng.ts';
export { RedundancyController } from './redundancy-controller.ts';
export type {
  LossReport,
  RedundancyControllerOptions,
  RedundancySettings,
} from './redundancy-controller.ts';
export type { ReceiverReport, ReportBlock, SenderReport } from './rtcp.ts';
export { RedBlocks, writeRedBlockHeader, writeRedPrimaryHeader } from './red.ts';
export { rtpHeaderBytes, writeRtpHeader } from './rtp-header.ts';
export type { RtpHeader } from './rtp-header.ts';
export { RtpPacket } from './rtp-packet.ts';
export { rtpClockRate, rtpMap, rtpPayloadType } from './rtp-payload-format.ts';
export {
  SequenceUnwrapper,
  TimestampUnwrapper,
  sequenceDifference,
  timestampDifference,
} from './unwrapper.ts';

/** Entry `micwire/core`: kernels, formats and framings. Runs in any scope. */
export { MicwireError, PacketError } from './errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from './errors.ts';
export { ChannelMixer } from './dsp/channel-mixer.ts';
export type { ChannelMixerOptions } from './dsp/channel-mixer.ts';
export { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './format/g711.ts';
export {
  FORMATS,
  PAYLOAD_FORMATS,
  SAMPLE_FORMATS,
  bytesPerSample,
  isSampleFormat,
} from './format/formats.ts';
export type {
  PacketCodec,
  PacketRow,
  PayloadFormat,
  SampleCoding,
  SampleFormat,
  SampleRow,
} from './format/formats.ts';
export { SampleDecoder, SampleEncoder } from './format/sample-format.ts';
export type { Dither, SampleDecoderOptions, SampleEncoderOptions } from './format/sample-format.ts';
export { Base64Writer, base64Length, decodeBase64, encodeBase64 } from './base64/base64.ts';
export type {
  Framing,
  MessageDecoder,
  MessageEncoder,
  MessageField,
  SelfDescribingFraming,
} from './framing/framing.ts';
export type { FramingName } from './framing/framings.ts';
export { FRAMINGS } from './framing/framings.ts';
export { base64JsonFraming } from './framing/base64-json.ts';
export { BINARY_VERSION, binaryFraming } from './framing/binary.ts';
export { rtpFraming } from './framing/rtp.ts';
export type { RtpFraming } from './framing/rtp.ts';
export { RtpMessageDecoder } from './framing/rtp-message-decoder.ts';
export {
  MAX_REDUNDANCY,
  MAX_REDUNDANCY_SPACING,
  RtpMessageEncoder,
} from './framing/rtp-message-encoder.ts';
export { MAX_PAYLOAD_BYTES } from './framing/packet.ts';
export type { LazyPacket, Packet, PacketHeader } from './framing/packet.ts';
export type { NoAudio, RtpArrival, RtpFields } from './rtp/rtp-arrival.ts';
export type { RtpDecoderStatistics } from './framing/rtp-message-decoder.ts';
export { ActivityDetector } from './metering/activity-detector.ts';
export type {
  ActivityDetectorOptions,
  ActivityListener,
  ActivityReading,
} from './metering/activity-detector.ts';
export { LoudnessMeter } from './metering/loudness-meter.ts';
export type { LoudnessMeterOptions, LoudnessReading } from './metering/loudness-meter.ts';
export { MeterBank } from './metering/meter-bank.ts';
export type { MeterBankOptions } from './metering/meter-bank.ts';
export { meterModule } from './metering/meter-module.ts';
export type { BlockMeter, Reading } from './metering/meter-reading.ts';
export { METER_NAMES } from './metering/meter-table.ts';
export type {
  BankReading,
  MeterName,
  MeterReading,
  MeterReadings,
  MeterSettings,
} from './metering/meter-table.ts';
export { PeakMeter } from './metering/peak-meter.ts';
export type { PeakMeterOptions, PeakReading } from './metering/peak-meter.ts';
export type { PeakHoldOptions } from './metering/peak-hold.ts';
export { ppmScale } from './metering/ppm-ballistics.ts';
export type { PpmType } from './metering/ppm-ballistics.ts';
export { PpmMeter } from './metering/ppm-meter.ts';
export type { PpmMeterOptions, PpmReading } from './metering/ppm-meter.ts';
export { RmsMeter } from './metering/rms-meter.ts';
export type { RmsMeterOptions, RmsReading } from './metering/rms-meter.ts';
export { EnergySpeechEstimator } from './metering/speech-estimator.ts';
export type { EnergySpeechEstimatorOptions, SpeechEstimator } from './metering/speech-estimator.ts';
export { TruePeakMeter } from './metering/true-peak-meter.ts';
export type { TruePeakMeterOptions, TruePeakReading } from './metering/true-peak-meter.ts';
export { VuMeter } from './metering/vu-meter.ts';
export type { VuMeterOptions, VuReading } from './metering/vu-meter.ts';
export { DelayTarget } from './receive/delay-target.ts';
export type { DelayTargetOptions } from './receive/delay-target.ts';
export { DriftEstimator } from './receive/drift-estimator.ts';
export { FEC_COPY, JitterBuffer } from './receive/jitter-buffer.ts';
export type {
  ArrivalListener,
  InsertOutcome,
  JitterBufferOptions,
} from './receive/jitter-buffer.ts';
export { ComfortNoise } from './receive/comfort-noise.ts';
export { PcmConcealment } from './receive/pcm-concealment.ts';
export { PlanarLine } from './receive/planar-line.ts';
export { ReceiveDecision } from './receive/receive-decision.ts';
export type { PlayoutAction, ReceiveDecisionOptions } from './receive/receive-decision.ts';
export { TimeScaler } from './receive/time-scaler.ts';
export type { TimeScalerOptions } from './receive/time-scaler.ts';
export { RECEIVE_STATISTICS, ReceiveCounters, readStatistics } from './receive/receive-counters.ts';
export type { ReceiveStatistic, ReceiveStatistics } from './receive/receive-counters.ts';
export { AdaptiveRedundancy } from './rtp/adaptive-redundancy.ts';
export type { RedundantEncoder } from './rtp/adaptive-redundancy.ts';
export {
  AUDIO_LEVEL_URI,
  audioLevelByte,
  audioLevelHasVoice,
  audioLevelOf,
  HeaderExtensionCursor,
  headerExtensionBytes,
  writeHeaderExtensions,
} from './rtp/header-extensions.ts';
export type { HeaderExtension } from './rtp/header-extensions.ts';
export { InterarrivalJitter, ReceptionStatistics } from './rtp/reception-statistics.ts';
export { LossReporter } from './rtp/loss-reporter.ts';
export type { LossReporterOptions } from './rtp/loss-reporter.ts';
export { LossRuns } from './rtp/loss-runs.ts';
export {
  lossPatternBytes,
  readLossPatterns,
  summarizeLosses,
  writeLossPattern,
} from './rtp/loss-pattern.ts';
export type { LossPattern, LossSummary } from './rtp/loss-pattern.ts';
export {
  ntpFraction,
  ntpMiddle,
  ntpSeconds,
  ntpToMs,
  isRtcp,
  readReports,
  reportBytes,
  roundTripMs,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from './rtp/rtcp.ts';
export { PcapngWriter } from './rtp/pcapng.ts';
export type { PcapDirection, PcapEndpoint, PcapngOptions } from './rtp/pcapng.ts';
export { RedundancyController } from './rtp/redundancy-controller.ts';
export type {
  LossReport,
  RedundancyControllerOptions,
  RedundancySettings,
} from './rtp/redundancy-controller.ts';
export type { ReceiverReport, ReportBlock, SenderReport } from './rtp/rtcp.ts';
export {
  RED_MAX_BLOCK_BYTES,
  RED_MAX_TIMESTAMP_OFFSET,
  RedBlocks,
  writeRedBlockHeader,
  writeRedPrimaryHeader,
} from './rtp/red.ts';
export { rtpHeaderBytes, writeRtpHeader } from './rtp/rtp-header.ts';
export type { RtpHeader } from './rtp/rtp-header.ts';
export { RTP_HEADER_BYTES, RtpPacket } from './rtp/rtp-packet.ts';
export {
  RED_PAYLOAD_TYPE,
  rtpClockRate,
  rtpMap,
  rtpPayloadType,
} from './rtp/rtp-payload-format.ts';
export type { RtpStreamOptions } from './rtp/rtp-stream-options.ts';
export {
  SequenceUnwrapper,
  TimestampUnwrapper,
  sequenceDifference,
  timestampDifference,
} from './rtp/unwrapper.ts';
export type { ResamplerPlan, ResamplerQuality } from './resampler/resampler-plan.ts';
export { planResampler } from './resampler/resampler-planner.ts';
export type { ResamplerPlanOptions } from './resampler/resampler-planner.ts';
export { createResampler } from './resampler/resampler-stream.ts';
export type { StreamResampler } from './resampler/resampler-stream.ts';
export { Resampler, resample } from './resampler/resampler.ts';
export type { ResamplerOptions } from './resampler/resampler.ts';
export { planVariableResampler } from './resampler/variable-resampler-planner.ts';
export type { VariableResamplerPlanOptions } from './resampler/variable-resampler-planner.ts';
export { VariableResampler } from './resampler/variable-resampler.ts';
export type { VariableResamplerPlan } from './resampler/variable-resampler.ts';
export type { Codec, PayloadDecoder, PayloadEncoder } from './codec/codec.ts';
export { pcmCodec } from './codec/pcm-codec.ts';
export { PacketDecoder } from './codec/packet-decoder.ts';
export type { StreamFormat } from './format/stream-format.ts';
export { opusCodec } from './codec/opus-codec.ts';
export { OpusDecoder } from './codec/opus-decoder.ts';
export type { OpusDecoderOptions } from './codec/opus-decoder.ts';
export { OpusEncoder } from './codec/opus-encoder.ts';
export { OpusLibrary } from './codec/opus-library.ts';
export type { OpusModule } from './codec/opus-library.ts';
export { opusSettings } from './codec/opus-options.ts';
export type {
  OpusAdjustment,
  OpusApplication,
  OpusBitrateMode,
  OpusOptions,
  OpusSettings,
  OpusSignal,
} from './codec/opus-options.ts';
export { hasOpusFec, opusPacketFrames, opusPacketInfo } from './codec/opus-packet.ts';
export type { OpusMode, OpusPacketInfo } from './codec/opus-packet.ts';
export { OggOpusWriter } from './container/ogg-opus.ts';
export { WebmOpusWriter } from './container/webm-opus.ts';
export type { OggOpusOptions } from './container/ogg-opus.ts';
export type { WebmOpusOptions } from './container/webm-opus.ts';
export { WavWriter } from './container/wav.ts';
export { parseIceCandidate } from './webrtc/ice-candidate.ts';
export type { IceCandidate } from './webrtc/ice-candidate.ts';
export type { IceCandidateType } from './webrtc/ice-report.ts';
export { explainSdp } from './webrtc/sdp-explained.ts';
export type { ExplainedSdp, ExplainedSdpLine } from './webrtc/sdp-explained.ts';
export { parseSdp } from './webrtc/sdp.ts';
export type { Sdp, SdpCodec, SdpLine, SdpMedia } from './webrtc/sdp.ts';
export { parseSignal } from './webrtc/signal-message.ts';
export type {
  ByeSignal,
  CallRole,
  CandidateSignal,
  DescribeSignal,
  SignalMessage,
} from './webrtc/signal-message.ts';
export { parseSignallingReply, parseSignallingRequest } from './webrtc/signalling-protocol.ts';
export type {
  ErrorReply,
  JoinRequest,
  JoinedReply,
  ReadyReply,
  SignallingErrorCode,
  SignallingReply,
  SignallingRequest,
} from './webrtc/signalling-protocol.ts';

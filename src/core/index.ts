/** Entry `micwire/core`: kernels, formats and framings. Runs in any scope. */
export { MicwireError, PacketError } from './errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from './errors.ts';
export { ChannelMixer } from './dsp/channel-mixer.ts';
export type { ChannelMixerOptions } from './dsp/channel-mixer.ts';
export { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './dsp/g711.ts';
export {
  SAMPLE_FORMATS,
  SampleDecoder,
  SampleEncoder,
  bytesPerSample,
} from './dsp/sample-format.ts';
export type {
  Dither,
  SampleDecoderOptions,
  SampleEncoderOptions,
  SampleFormat,
} from './dsp/sample-format.ts';
export { Base64Writer, base64Length, decodeBase64, encodeBase64 } from './framing/base64.ts';
export type { Framing } from './framing/framing.ts';
export type { FramingName } from './framing/framings.ts';
export { FRAMINGS } from './framing/framings.ts';
export { base64JsonFraming } from './framing/base64-json.ts';
export { BINARY_OFFSET, BINARY_VERSION, binaryFraming } from './framing/binary.ts';
export { MAX_PAYLOAD_BYTES } from './framing/packet.ts';
export type { LazyPacket, Packet, PacketHeader } from './framing/packet.ts';
export { ActivityDetector } from './dsp/activity-detector.ts';
export type {
  ActivityDetectorOptions,
  ActivityListener,
  ActivityReading,
} from './dsp/activity-detector.ts';
export { LoudnessMeter } from './dsp/loudness-meter.ts';
export type { LoudnessMeterOptions, LoudnessReading } from './dsp/loudness-meter.ts';
export { MeterBank } from './dsp/meter-bank.ts';
export type { MeterBankOptions } from './dsp/meter-bank.ts';
export { meterModule } from './dsp/meter-module.ts';
export type { BlockMeter, Reading } from './dsp/meter-reading.ts';
export { METER_NAMES } from './dsp/meter-table.ts';
export type {
  BankReading,
  MeterName,
  MeterReading,
  MeterReadings,
  MeterSettings,
} from './dsp/meter-table.ts';
export { PeakMeter } from './dsp/peak-meter.ts';
export type { PeakMeterOptions, PeakReading } from './dsp/peak-meter.ts';
export type { PeakHoldOptions } from './dsp/peak-hold.ts';
export { ppmScale } from './dsp/ppm-ballistics.ts';
export type { PpmType } from './dsp/ppm-ballistics.ts';
export { PpmMeter } from './dsp/ppm-meter.ts';
export type { PpmMeterOptions, PpmReading } from './dsp/ppm-meter.ts';
export { RmsMeter } from './dsp/rms-meter.ts';
export type { RmsMeterOptions, RmsReading } from './dsp/rms-meter.ts';
export { EnergySpeechEstimator } from './dsp/speech-estimator.ts';
export type { EnergySpeechEstimatorOptions, SpeechEstimator } from './dsp/speech-estimator.ts';
export { TruePeakMeter } from './dsp/true-peak-meter.ts';
export type { TruePeakMeterOptions, TruePeakReading } from './dsp/true-peak-meter.ts';
export { VuMeter } from './dsp/vu-meter.ts';
export type { VuMeterOptions, VuReading } from './dsp/vu-meter.ts';
export type { ResamplerPlan, ResamplerQuality } from './dsp/resampler-plan.ts';
export { planResampler } from './dsp/resampler-planner.ts';
export type { ResamplerPlanOptions } from './dsp/resampler-planner.ts';
export { createResampler } from './dsp/resampler-stream.ts';
export type { StreamResampler } from './dsp/resampler-stream.ts';
export { Resampler, resample } from './dsp/resampler.ts';
export type { ResamplerOptions } from './dsp/resampler.ts';
export { planVariableResampler } from './dsp/variable-resampler-planner.ts';
export type { VariableResamplerPlanOptions } from './dsp/variable-resampler-planner.ts';
export { VariableResampler } from './dsp/variable-resampler.ts';
export type { VariableResamplerPlan } from './dsp/variable-resampler.ts';
export type { Codec, PayloadDecoder, PayloadEncoder, StreamFormat } from './codec/codec.ts';
export { CODECS } from './codec/codecs.ts';
export type { CodecName } from './codec/codecs.ts';
export { PacketDecoder } from './codec/packet-decoder.ts';
export type { PayloadFormat } from './codec/payload-format.ts';
export { opusCodec } from './codec/opus-codec.ts';
export { OpusDecoder } from './codec/opus-decoder.ts';
export type { OpusDecoderOptions } from './codec/opus-decoder.ts';
export { OpusEncoder } from './codec/opus-encoder.ts';
export type { OpusAdjustment } from './codec/opus-encoder.ts';
export { OpusLibrary } from './codec/opus-library.ts';
export type { OpusModule } from './codec/opus-library.ts';
export { opusSettings } from './codec/opus-options.ts';
export type {
  OpusApplication,
  OpusBitrateMode,
  OpusOptions,
  OpusSettings,
  OpusSignal,
} from './codec/opus-options.ts';
export { hasOpusFec, opusPacketFrames, opusPacketInfo } from './codec/opus-packet.ts';
export type { OpusMode, OpusPacketInfo } from './codec/opus-packet.ts';
export { OggOpusWriter } from './container/ogg-opus.ts';
export type { OggOpusOptions } from './container/ogg-opus.ts';
export { WavWriter } from './container/wav.ts';
export type { WavOptions } from './container/wav.ts';

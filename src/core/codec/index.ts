/** Entry `micwire/codec`: sample formats, Base64, Opus and containers. Runs in any scope. */
export { MicwireError, PacketError } from '../errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from '../errors.ts';
export { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from '../format/g711.ts';
export {
  FORMATS,
  PAYLOAD_FORMATS,
  SAMPLE_FORMATS,
  bytesPerSample,
  isSampleFormat,
} from '../format/formats.ts';
export type { PacketCodec, PacketRow, SampleCoding, SampleRow } from '../format/formats.ts';
export { SampleDecoder, SampleEncoder } from '../format/sample-format.ts';
export type { SampleFormat } from '../format/formats.ts';
export type {
  Dither,
  SampleDecoderOptions,
  SampleEncoderOptions,
} from '../format/sample-format.ts';
export { decodeBase64, encodeBase64 } from '../base64/base64.ts';
export type { Codec, PayloadDecoder, PayloadEncoder } from './codec.ts';
export { pcmCodec } from './pcm-codec.ts';
export { PacketDecoder } from './packet-decoder.ts';
export type { PayloadFormat } from '../format/formats.ts';
export type { StreamFormat } from '../format/stream-format.ts';
export { opusCodec } from './opus-codec.ts';
export { OpusDecoder } from './opus-decoder.ts';
export type { OpusDecoderOptions } from './opus-decoder.ts';
export { OpusEncoder } from './opus-encoder.ts';
export { OpusLibrary } from './opus-library.ts';
export type { OpusModule } from './opus-library.ts';
export { opusSettings } from './opus-options.ts';
export type {
  OpusAdjustment,
  OpusApplication,
  OpusBitrateMode,
  OpusOptions,
  OpusSettings,
  OpusSignal,
} from './opus-options.ts';
export { hasOpusFec, opusPacketFrames, opusPacketInfo } from './opus-packet.ts';
export type { OpusMode, OpusPacketInfo } from './opus-packet.ts';
export { OggOpusWriter } from '../container/ogg-opus.ts';
export { WebmOpusWriter } from '../container/webm-opus.ts';
export type { OggOpusOptions } from '../container/ogg-opus.ts';
export type { WebmOpusOptions } from '../container/webm-opus.ts';
export { WavWriter } from '../container/wav.ts';

/** Entry `micwire`: capture, meter and playout for a page. Loading it touches no globals. */
export { MicwireError, PacketError } from '../core/errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from '../core/errors.ts';
export type {
  BankReading,
  MeterName,
  MeterReading,
  MeterReadings,
  MeterSettings,
} from '../core/metering/meter-table.ts';
export { Chunk } from '../core/capture/chunk.ts';
export type { ChunkEncoding, ChunkOptions } from '../core/capture/chunk.ts';
export type { CaptureStats } from '../core/capture/chunk-queue.ts';
export type { Dither } from '../core/format/sample-format.ts';
export type { AbortOptions } from './abort.ts';
export { Capture } from './capture.ts';
export type { CaptureEventMap, CaptureOptions } from './capture-options.ts';
export type { CaptureSource, CaptureState } from './capture-source.ts';
export type { EncodedIn } from './capture-backend.ts';
export type { OpusCaptureOptions, OpusRoute } from './opus-capture-options.ts';
export { loadOpusModule } from './opus-module.ts';
export type { OpusLoadOptions } from './opus-module.ts';
export type { WorkerUrl } from './worker-loader.ts';
export type { OpusModule } from '../core/codec/opus-library.ts';
export type {
  OpusAdjustment,
  OpusApplication,
  OpusBitrateMode,
  OpusOptions,
  OpusSignal,
} from '../core/codec/opus-options.ts';
export type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
export type { StreamFormat } from '../core/format/stream-format.ts';
export { Meter } from './meter.ts';
export type { MeterActivity, MeterEventMap, MeterOptions } from './meter.ts';
export { ppmScale } from '../core/metering/ppm-ballistics.ts';
export type { PpmType } from '../core/metering/ppm-ballistics.ts';
export { LoopbackTransport } from './transport/loopback.ts';
export type {
  Transport,
  TransportEventMap,
  TransportMessage,
  TransportOptions,
  TransportState,
  TransportStats,
  TransportStatus,
  WaterMarkOptions,
} from './transport/transport.ts';
export type { BackOffOptions } from './transport/back-off.ts';
export { WebSocketTransport } from './transport/websocket.ts';
export type { WebSocketLike } from '../core/socket.ts';
export type { WebSocketTransportOptions } from './transport/websocket.ts';
export type { HeartbeatOptions, ReconnectOptions } from './transport/reconnecting.ts';
export { WebTransportTransport } from './transport/webtransport.ts';
export type {
  CertificateHash,
  TextHeartbeatOptions,
  WebTransportInit,
  WebTransportTransportOptions,
} from './transport/webtransport.ts';
export type {
  WebTransportCloseLike,
  WebTransportLike,
  WebTransportStreamLike,
} from './transport/web-transport-socket.ts';
export type { DecodingStats } from './opus-playout.ts';
export { Playout } from './playout.ts';
export type { PlayoutMarkOptions, PlayoutWriteOptions } from './playout.ts';
export type { FadeOptions } from '../core/playout/fade-options.ts';
export type { PlayoutData } from '../core/playout/playout-data.ts';
export type { PlayoutOptions } from './playout-options.ts';
export type {
  PlayoutEventMap,
  PlayoutInterruption,
  PlayoutMark,
  PlayoutPosition,
  PlayoutSkip,
  PlayoutState,
  PlayoutStats,
} from './playout-position.ts';
export type { BacklogMode } from '../core/playout/backlog-policy.ts';
export { Microphone } from './microphone/microphone.ts';
export type {
  MicrophoneEventMap,
  MicrophoneGap,
  MicrophoneOptions,
  MicrophoneSilence,
  MicrophoneStats,
} from './microphone/microphone-options.ts';
export type {
  GapCause,
  InputDevice,
  MicrophonePermission,
  MicrophoneState,
  MuteKeep,
  ReacquirePolicy,
  SilenceCause,
  SilenceKind,
} from '../core/microphone/life-messages.ts';
export type { LivingSource, SourceFeed } from './capture-source.ts';
export { SourceMixer } from './mixer/source-mixer.ts';
export type { MixedSource } from './mixer/mixed-source.ts';
export type { MixedSourceState, MixedSourceStats } from './mixer/mixed-source.ts';
export type {
  MixerGap,
  MixerSource,
  SourceMixerEventMap,
  SourceMixerOptions,
} from './mixer/source-mixer-options.ts';
export { Speaker } from './speaker/speaker.ts';
export type { RoutePlanner } from './speaker/speaker.ts';
export type {
  PlaybackStats,
  SpeakerDeviceChange,
  SpeakerEventMap,
  SpeakerOptions,
  SpeakerState,
} from './speaker/speaker-options.ts';
export type { MeasureEchoOptions } from './microphone/echo-measure.ts';
export type { EchoEstimate } from '../core/echo/echo-estimate.ts';
export type { OutputDevice } from './speaker/speaker-devices.ts';
export type {
  EchoMode,
  EchoPlan,
  EchoSetting,
  SpeakerRoute,
} from '../core/microphone/echo-plan.ts';
export { Session } from './session/session.ts';
export type {
  CommonSessionOptions,
  SessionEventMap,
  SessionOptions,
  SessionTranscript,
  WorkerSessionOptions,
} from './session/session-options.ts';
export type { SessionRecordOptions } from './session/session-record.ts';
export type { SessionConnectionOptions } from '../core/session/connection-options.ts';
export type { HeardCaption, PlayedReply } from '../core/session/replies.ts';
export type {
  SessionGap,
  SessionGapCause,
  SessionState,
  SessionStats,
} from '../core/session/session-messages.ts';
export type {
  AfterClose,
  HeardItem,
  Service,
  ServiceAddress,
  ServiceConnection,
  ServiceEvent,
  ServiceMute,
  ServiceRequest,
  UpAudio,
  WireMessage,
} from '../core/services/service.ts';
export type {
  QueryValue,
  QueryValues,
  ServiceOptions,
  ServiceSettings,
} from '../core/services/shared/service-base.ts';
export type { CreateSocket } from '../core/socket.ts';
export { Recorder } from './recorder.ts';
export type { RecorderEventMap, RecorderState } from './recorder.ts';
export type { RecorderContainer, RecorderOptions } from './recorder-options.ts';
export { unfinishedRecordings } from './recorder-backup.ts';
export type { RecorderBackupState, UnfinishedRecording } from './recorder-backup.ts';
export { MediaChunks } from './media-chunks.ts';
export type {
  MediaChunk,
  MediaChunksEventMap,
  MediaChunksOptions,
  MediaChunksState,
} from './media-chunks.ts';
export { DataChannelTransport } from './transport/data-channel.ts';
export type { DataChannelLike } from './transport/data-channel.ts';
export { Call } from './webrtc/call.ts';
export type { CallDataChannelOptions } from './webrtc/call.ts';
export type { CallEventMap, CallState, CallOptions } from './webrtc/call-options.ts';
export { dumpForImporter } from './webrtc/dump.ts';
export type { DumpOptions } from './webrtc/dump.ts';
export { memorySignalling } from './webrtc/signalling.ts';
export type { Signalling, SignallingEventMap, SignallingState } from './webrtc/signalling.ts';
export { WebSocketSignalling } from './webrtc/websocket-signalling.ts';
export type { WebSocketSignallingOptions } from './webrtc/websocket-signalling.ts';
export { Whip } from './whip/whip.ts';
export { Whep } from './whip/whep.ts';
export type { WhipConnection } from './whip/whip-connection.ts';
export type {
  WhepOptions,
  WhipConnectionOptions,
  WhipEventMap,
  WhipOptions,
  WhipState,
} from './whip/whip-options.ts';
export type { WhipRefusal } from '../core/webrtc/whip-messages.ts';
export type { CallFigures } from '../core/webrtc/call-figures.ts';
export type {
  CallMoment,
  CallStep,
  CallStepName,
  CallStepState,
} from '../core/webrtc/call-timeline.ts';
export type {
  IceCandidateReport,
  IceCandidateType,
  IcePairReport,
  IceReport,
} from '../core/webrtc/ice-report.ts';
export type { CallOpusOptions } from '../core/webrtc/opus-sdp.ts';
export type {
  ByeSignal,
  CallRole,
  CandidateSignal,
  DescribeSignal,
  RestartSignal,
  SignalMessage,
} from '../core/webrtc/signal-message.ts';
export { loadWorklet } from './worklet-loader.ts';
export type { WorkletContext, WorkletLoadOptions, WorkletUrl } from './worklet-loader.ts';
export { CAPTURE_WORKLET } from './capture-worklet.ts';
export { METER_WORKLET } from './meter-worklet.ts';
export { MICROPHONE_WORKLET } from './microphone-worklet.ts';
export { PLAYOUT_WORKLET } from './playout-worklet.ts';
export { RECEIVE_OPUS_WORKLET } from './receive-opus-worklet.ts';
export { RECEIVE_WORKLET } from './receive-worklet.ts';
export type { WorkletFile, WorkletName } from './worklet-file.ts';
export { TypedEventTarget } from './typed-event-target.ts';
export type {
  CapturePipeResult,
  PipeOptions,
  PipeSignal,
  ReceivePipeResult,
} from '../core/pipe.ts';
export type { SendFraming } from '../core/framing/framing.ts';
export { Receiver } from './receiver.ts';
export type { ReceiverEventMap } from './receiver.ts';
export type {
  ReceiverOptions,
  ReceiverPosition,
  ReceiverState,
  ReceiverStats,
} from './receiver-options.ts';
export type {
  ReceiveFraming,
  ReceivedMessage,
  ReceivedPackets,
} from '../core/receive/receive-feed.ts';
export type { ReceiveState } from '../core/receive/receive-report.ts';
export type {
  Framing,
  MessageDecoder,
  MessageEncoder,
  MessageField,
  SelfDescribingFraming,
} from '../core/framing/framing.ts';
export type { FramingName } from '../core/framing/framings.ts';
export { FRAMINGS } from '../core/framing/framings.ts';
export { base64JsonFraming } from '../core/framing/base64-json.ts';
export { binaryFraming } from '../core/framing/binary.ts';
export { rtpFraming } from '../core/framing/rtp.ts';
export type { RtpFraming } from '../core/framing/rtp.ts';
export type { LazyPacket, Packet, PacketHeader } from '../core/framing/packet.ts';
export type { NoAudio, RtpArrival, RtpFields } from '../core/rtp/rtp-stream.ts';
export type { RtpStreamOptions } from '../core/rtp/rtp-stream.ts';
export type {
  RtpDecoderStatistics,
  RtpMessageDecoder,
} from '../core/framing/rtp-message-decoder.ts';
export type { RtpMessageEncoder } from '../core/framing/rtp-message-encoder.ts';
export { CALL_STEPS } from '../core/webrtc/call-timeline.ts';
export type { ChunkSlot } from '../core/capture/chunk-sinks.ts';
export type { PipeMessage, PipeSource, PipeTarget } from '../core/pipe.ts';
export type { LivingContext } from './context-life.ts';
export type { BaseTransport } from './transport/base.ts';
export type { ReconnectingTransport } from './transport/reconnecting.ts';
export type { BaseSignalling } from './webrtc/signalling.ts';

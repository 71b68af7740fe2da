/** Entry `micwire/node`: the server's side of audio streams, for Node 20 and later. */
export { MicwireError, PacketError } from '../core/errors.ts';
export type { MicwireErrorCode, PacketErrorReason } from '../core/errors.ts';
export { acceptStream } from './accept-stream.ts';
export { AcceptedStream } from './accepted-stream.ts';
export type { AcceptedStreamStats, StreamChunk, StreamEnding } from './accepted-stream.ts';
export { AudioSocketCall, serveAudioSocket } from './audio-socket.ts';
export type { AudioSocketOptions } from './audio-socket.ts';
export { discoverNat } from './discover-nat.ts';
export type { DiscoverNatOptions } from './discover-nat.ts';
export type { NatReport } from '../core/webrtc/nat/nat-discovery.ts';
export { RtpSocket } from './rtp-socket.ts';
export type {
  RtpAddress,
  RtpRemoteReport,
  RtpSocketOptions,
  RtpSocketStats,
} from './rtp-socket.ts';
export type { StreamAnswer, StreamArrival, StreamHost } from './stream-host.ts';
export { StreamServer } from './stream-server.ts';
export type { ConnectionRefusal, StreamServerOptions, StreamServerStats } from './stream-server.ts';
export type { SocketData, StreamSocket } from './stream-socket.ts';
export { PooledStream, StreamPool } from './pool/stream-pool.ts';
export type {
  PooledStreamOptions,
  StreamPoolOptions,
  StreamPoolStats,
} from './pool/stream-pool.ts';
export { METRICS_TYPE, metricsText } from './metrics.ts';
export { RecordingFolder } from './recording/recording-folder.ts';
export type { RecordingFolderOptions } from './recording/recording-folder.ts';
export type { FrameRange } from './recording/frame-set.ts';
export { StreamRecorder, readRecording } from './recording/stream-recorder.ts';
export type {
  Recording,
  StreamRecorderOptions,
  StreamRecorderStats,
} from './recording/stream-recorder.ts';
export { mixdown } from './recording/mixdown.ts';
export type { Mixdown, MixdownOptions, MixdownPart } from './recording/mixdown.ts';
export { WyomingConnection, WyomingUtterance, serveWyoming } from './wyoming-connection.ts';
export type {
  WyomingData,
  WyomingMessage,
  WyomingRequest,
  WyomingServerOptions,
  WyomingStats,
} from './wyoming-connection.ts';
export { NatsGateway } from './nats/nats-gateway.ts';
export type { NatsGatewayOptions, NatsGatewayStats } from './nats/nats-gateway.ts';
export type { NatsOptions } from './nats/nats-options.ts';
export { NatsWorker } from './nats/nats-worker.ts';
export type { NatsWorkerOptions, NatsWorkerStats } from './nats/nats-worker.ts';
export { NatsTranscriber } from './nats/nats-transcriber.ts';
export type { NatsTranscriberOptions, NatsTranscriberStats } from './nats/nats-transcriber.ts';
export type { StreamText } from './nats/text-service.ts';
export { NatsListener } from './nats/nats-listener.ts';
export type { ListenOptions, NatsListenerOptions } from './nats/nats-listener.ts';
export { ListenedStream } from './nats/listened-stream.ts';
export type { ListenedStreamStats } from './nats/listened-stream.ts';

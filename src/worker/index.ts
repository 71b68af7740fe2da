/** Entry `micwire/worker`: the part that runs in your own Worker. Loading it touches no globals. */
export { ReceivedCapture, receiveCapture } from './receive-capture.ts';
export type { CaptureStats } from '../core/capture/chunk-queue.ts';
export type { PayloadFormat } from '../core/format/formats.ts';
export type { StreamFormat } from '../core/format/stream-format.ts';
export { Chunk } from '../core/capture/chunk.ts';
export type { ChunkEncoding, ChunkOptions } from '../core/capture/chunk.ts';
export type {
  CapturePipeResult,
  PipeOptions,
  PipeSignal,
  PipeSource,
  PipeTarget,
  ReceivePipeResult,
} from '../core/pipe.ts';
export type { SendFraming } from '../core/framing/framing.ts';
export { PlayoutPort, openPlayoutPort } from './playout-port.ts';
export type { PlayoutPortOptions } from './playout-port.ts';
export type { FadeOptions } from '../core/playout/fade-options.ts';
export type { PlayoutData } from '../core/playout/playout-data.ts';
export type {
  PlayoutInterruption,
  PlayoutMark,
  PlayoutPosition,
} from '../core/playout/playout-position.ts';
export type { PlayoutMarkOptions, PlayoutWriteOptions } from '../core/playout/playout-writer.ts';
export { ReceiverPort, openReceiverPort } from './receiver-port.ts';
export type { ReceiverPortOptions } from './receiver-port.ts';
export type {
  ReceiveFraming,
  ReceivedMessage,
  ReceivedPackets,
} from '../core/receive/receive-feed.ts';
export type { LazyPacket, Packet, PacketHeader } from '../core/framing/packet.ts';
export { serveSession } from './session.ts';
export type { SessionConnectionOptions } from '../core/session/connection-options.ts';
export type { CreateSocket, WebSocketLike } from '../core/socket.ts';
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

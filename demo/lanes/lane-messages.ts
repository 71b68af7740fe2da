import type { LaneCounts } from '../measure/metrics.ts';
import type { FramingName, OpusModule } from 'micwire';
import type { Copies, LaneSettings } from './lane-settings.ts';
import type { LinkWay, WebTransportWay } from './link-way.ts';

/**
 * - `'opening'`: being built;
 * - `'running'`: audio goes through;
 * - `'waiting'`: the connection is lost, or not up yet, and comes back by itself;
 * - `'failed'`: broken for good, `reason` says why.
 */
export type LaneState = 'opening' | 'running' | 'waiting' | 'failed';

/**
 * How a lane's Worker reaches the other end. `network`: where messages go before they enter a channel; null where the channel itself
 * goes over the simulated network.
 */
export type WireOptions =
  /** A WebSocket that returns what is sent. */
  | { readonly type: 'websocket'; readonly way: LinkWay }
  /** Two sessions of WebTransport at a server that passes on what each sends to the other. */
  | { readonly type: 'webtransport'; readonly way: WebTransportWay }
  /** Both ends of a data channel, handed over. */
  | {
      readonly type: 'channels';
      readonly sender: RTCDataChannel;
      readonly receiver: RTCDataChannel;
      readonly network: LinkWay | null;
    }
  /** A page that has them, where they cannot be handed over: messages go through this port both ways. */
  | { readonly type: 'relay'; readonly port: MessagePort; readonly network: LinkWay | null };

/**
 * What replaces lost packets: earlier packets that each message repeats, 0 for none; or `'fec'`: Opus's own error correction, as the
 * receiver's reports require, at the same bitrate.
 */
export type Protection = Copies | 'fec';

/** What a lane's Worker does. */
export interface LaneWorkerOptions {
  /** Of the capture. */
  readonly format: 's16' | 'opus';
  /** Hz. */
  readonly sampleRate: number;
  readonly framing: FramingName;
  readonly protection: Protection;
  readonly settings: LaneSettings;
  /** libopus, for format `'opus'`: used to time the decoding. */
  readonly opus: OpusModule | null;
  readonly wire: WireOptions;
}

/** To the Worker of a lane; besides them come the capture and the receiver, by `pipeToWorker` and `pipeFromWorker`. */
export type LaneCommand =
  /** The first. Answered by `ready`, or by `state` with `'failed'`. */
  | { readonly type: 'open'; readonly options: LaneWorkerOptions }
  | { readonly type: 'count'; readonly id: number }
  | { readonly type: 'message'; readonly id: number }
  | { readonly type: 'capture-file'; readonly id: number };

/** From the Worker of a lane. */
export type LaneEvent =
  /** The transport is there. */
  | { readonly type: 'ready' }
  | { readonly type: 'state'; readonly state: LaneState; readonly reason: string }
  /** The expected loss for the capture's encoder, in percent, as the receiver reports. */
  | { readonly type: 'expect-loss'; readonly expectedLossPercent: number }
  | { readonly type: 'counts'; readonly id: number; readonly counts: LaneCounts }
  | {
      readonly type: 'capture-file';
      readonly id: number;
      readonly file: Uint8Array<ArrayBuffer> | null;
    }
  | {
      readonly type: 'message';
      readonly id: number;
      readonly message: string | Uint8Array | null;
    };

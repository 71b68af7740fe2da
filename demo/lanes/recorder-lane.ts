import type { LaneTotals } from '../measure/metrics.ts';
import { MediaChunks, WebSocketTransport } from 'micwire';
import type { MediaChunk } from 'micwire';
import { decodeBase64 } from 'micwire/codec';
import { webSocketWireBytes } from '../measure/wire-bytes.ts';
import { Arrivals } from './arrivals.ts';
import { MediaPlayback } from './media-playback.ts';
import type { LaneState } from './lane-messages.ts';
import type { ComparedLane, LaneBuild, LaneMessage } from './lane.ts';
import { socketOptions } from './link-way.ts';
import { errorText } from '../../src/core/errors.ts';

/** ms of a piece, as far as the browser honours it. */
const TIMESLICE_MS = 100;
/** Seconds of messages that may wait for the network. One that is dropped would spoil the rest of the file. */
const MAX_WAITING_SECONDS = 20;

/** What goes over the wire. */
interface MediaMessage {
  readonly type: 'media';
  readonly sequence: number;
  readonly payload: string;
}

/** Why this browser cannot; null when it can. */
export function missingRecorder(): string | null {
  if (!('MediaRecorder' in globalThis)) return 'This browser has no MediaRecorder.';
  const type = recordedType();
  return type === null ? 'This browser records no audio.' : MediaPlayback.missing(type);
}

/** Opens a lane of the browser's own recorder: its file in pieces, in Base64, over a WebSocket, and played as it grows. */
export async function openRecorderLane(parts: LaneBuild): Promise<ComparedLane> {
  return new RecorderLane(parts);
}

class RecorderLane implements ComparedLane {
  readonly call = null;
  onchange: (() => void) | null = null;
  state: LaneState = 'opening';
  reason = '';
  readonly #bitrate: number;
  readonly #transport: WebSocketTransport;
  readonly #playback: MediaPlayback;
  readonly #arrivals = new Arrivals(0);
  #chunks: MediaChunks | null = null;
  #closed = false;
  #lastSent: string | null = null;
  #packetsSent = 0;
  #packetsDropped = 0;
  #payloadBytes = 0;
  #wireBytes = 0;
  #encodeMs = 0;
  #decodeMs = 0;
  #startedAt = 0;
  readonly #repeatedBytes: () => number;

  constructor({ context, id, link, settings, stream }: LaneBuild) {
    this.#repeatedBytes = () => link.repeatedWireBytes(id);
    this.#bitrate = settings.bitrate;
    this.#playback = new MediaPlayback(context, recordedType()!);
    this.#playback.onerror = (reason) => this.#become('failed', reason);
    const bytesPerSecond = (settings.bitrate / 8) * (4 / 3);
    const { way } = link.openSocketWay(id);
    this.#transport = WebSocketTransport.create(way.url, {
      ...socketOptions(way),
      highWaterBytes: Math.ceil(bytesPerSecond * MAX_WAITING_SECONDS),
    });
    this.#transport.addEventListener('message', ({ data: message }) => this.#arrive(message));
    this.#transport.addEventListener('statechange', () => {
      const { state, reason } = this.#transport.status;
      if (state === 'open') {
        // The file begins with the connection: without its start, nothing that follows can be read.
        if (this.#chunks === null) void this.#send(stream());
        this.#become('running', '');
      } else if (state === 'waiting' && this.#chunks !== null) {
        this.#become('failed', 'The connection was lost, and with it a piece of the file.');
      } else if (state === 'waiting') this.#become('waiting', reason);
    });
  }

  get output(): AudioNode {
    return this.#playback.node;
  }

  async totals(): Promise<LaneTotals> {
    const arrivals = this.#arrivals;
    const seconds = this.#chunks === null ? 0 : (performance.now() - this.#startedAt) / 1000;
    return {
      atMs: performance.now(),
      packetsSent: this.#packetsSent,
      packetsDropped: this.#packetsDropped,
      payloadBytes: this.#payloadBytes,
      wireBytes: this.#wireBytes,
      repeatedBytes: this.#repeatedBytes(),
      packetsReceived: arrivals.received,
      packetsLost: arrivals.lost,
      encodeMs: this.#encodeMs,
      encodedSeconds: seconds,
      decodeMs: this.#decodeMs,
      decodedSeconds: seconds,
    };
  }

  async lastMessage(): Promise<LaneMessage | null> {
    return this.#lastSent === null ? null : { message: this.#lastSent, framing: null };
  }

  async captureFile(): Promise<null> {
    return null;
  }

  close(): void {
    this.#closed = true;
    this.onchange = null;
    void this.#transport.close();
    void this.#chunks?.close();
    this.#playback.close();
  }

  async #send(stream: MediaStream): Promise<void> {
    try {
      this.#chunks = MediaChunks.create(stream, {
        chunkDurationMs: TIMESLICE_MS,
        bitrate: this.#bitrate,
      });
      this.#startedAt = performance.now();
      for await (const chunk of this.#chunks) {
        if (this.#closed) return;
        this.#sendChunk(chunk);
      }
    } catch (error) {
      this.#become('failed', errorText(error));
    }
  }

  #sendChunk(chunk: MediaChunk): void {
    const start = performance.now();
    const message: MediaMessage = {
      type: 'media',
      sequence: chunk.sequence,
      payload: chunk.base64,
    };
    const text = JSON.stringify(message);
    this.#encodeMs += performance.now() - start;
    if (!this.#transport.send(text)) {
      this.#packetsDropped++;
      this.#become('failed', 'The network was too slow for too long: a piece of the file is lost.');
      return;
    }
    this.#lastSent = text;
    this.#packetsSent++;
    this.#payloadBytes += chunk.bytes.length;
    this.#wireBytes += webSocketWireBytes(text.length);
  }

  #arrive(message: string | Uint8Array): void {
    const start = performance.now();
    const { sequence, payload } = JSON.parse(String(message)) as MediaMessage;
    const bytes = decodeBase64(payload);
    this.#decodeMs += performance.now() - start;
    this.#arrivals.add(sequence);
    this.#playback.append(bytes);
  }

  #become(state: LaneState, reason: string): void {
    if (this.state === 'failed') return;
    this.state = state;
    this.reason = reason;
    this.onchange?.();
  }
}

/** What `MediaChunks` records in this browser. */
function recordedType(): string | null {
  const types = [
    'audio/webm;codecs=opus',
    'audio/ogg;codecs=opus',
    'audio/mp4;codecs=opus',
    'audio/mp4',
  ];
  return types.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

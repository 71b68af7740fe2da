import { numberIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { checkStream } from '../format/check-stream.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { parseJsonObject } from '../framing/json-object.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { ArrivalCursor } from '../session/arrival-cursor.ts';
import {
  CLOSING,
  MAX_MESSAGE_BYTES,
  MAX_UNHEARD,
  PROTOCOL_NAME,
  decodeProtocol,
  encodeProtocol,
} from '../session/protocol.ts';
import type { ProtocolMessage, WelcomeMessage } from '../session/protocol.ts';
import { tokenProtocol } from '../session/token-protocol.ts';
import type {
  AfterClose,
  Service,
  ServiceConnection,
  ServiceEvent,
  ServiceRequest,
  UpAudio,
  WireMessage,
} from './service.ts';

/** Options of {@link micwire}. */
export interface MicwireOptions {
  /** What the server gets. @default s16, 16000 Hz, one channel */
  readonly input?: StreamFormat;
  /** What the server is asked to send; null: no audio. It may decide otherwise. @default s16, 24000 Hz, one channel */
  readonly output?: StreamFormat | null;
  /** Length of the chunks, ms. @default 20 */
  readonly chunkDurationMs?: number;
  /** Audio from before is replayed at most so many times as fast as real time, 1.1–100. @default 8 */
  readonly replaySpeed?: number;
}

const OPTION_NAMES = {
  input: 1,
  output: 1,
  chunkDurationMs: 1,
  replaySpeed: 1,
} satisfies OptionNames<MicwireOptions>;

const DEFAULT_INPUT: StreamFormat = { format: 's16', sampleRate: 16_000, channels: 1 };
const DEFAULT_OUTPUT: StreamFormat = { format: 's16', sampleRate: 24_000, channels: 1 };
const KEEP_ALIVE_MS = 5000;
/** Audio is acknowledged when there is so much of it, s. */
const ACKNOWLEDGE_EVERY = 0.1;

/**
 * Describes a server that speaks micwire's own protocol, such as one made with `SessionServer`: every frame is acknowledged in
 * both directions, so that a lost connection loses none and doubles none. docs/protocol.md specifies it.
 * @throws TypeError or RangeError for options that are wrong
 */
export function micwire(options: MicwireOptions = {}): Service {
  checkOptions('micwire', options, OPTION_NAMES);
  const input = checkStream(options.input ?? DEFAULT_INPUT);
  const output = options.output === null ? null : checkStream(options.output ?? DEFAULT_OUTPUT);
  return {
    id: 'micwire',
    input,
    output,
    chunkDurationMs: numberIn('chunkDurationMs', options.chunkDurationMs ?? 20, 1, 10_000),
    encoding: 'binary',
    acknowledges: true,
    overlapMs: 0,
    replaySpeed: numberIn('replaySpeed', options.replaySpeed ?? 8, 1.1, 100),
    muteAs: 'keep-alive',
    keepAliveMs: KEEP_ALIVE_MS,
    address: (url, token) => ({
      url,
      protocols: token === undefined ? [PROTOCOL_NAME] : [PROTOCOL_NAME, tokenProtocol(token)],
    }),
    connect: () => new MicwireConnection(input, output),
    afterClose,
  };
}

/** Codes below 4400 with which coming back is no use (RFC 6455 §7.4.1, and the registry of it for 3000 and 3003). */
const FINAL_CODES: readonly number[] = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003];

function afterClose(code: number): AfterClose {
  return FINAL_CODES.includes(code) || (code >= 4400 && code < 4500) ? 'stop' : 'retry';
}

class MicwireConnection implements ServiceConnection {
  readonly #input: StreamFormat;
  readonly #output: StreamFormat | null;
  /** Audio messages of this connection. */
  #sequence = 0;
  /** The end of the audio that was sent. */
  #frame = 0;
  #pings = 0;
  #down: DownAudio | null = null;
  #place: DownPlace = { next: 0, item: '' };

  constructor(input: StreamFormat, output: StreamFormat | null) {
    this.#input = input;
    this.#output = output;
  }

  encode(request: ServiceRequest): readonly WireMessage[] {
    switch (request.type) {
      case 'open':
        this.#frame = request.frame;
        this.#place = placeOf(request.handle);
        return [
          encodeProtocol({
            type: 'hello',
            session: request.session,
            frame: request.frame,
            next: this.#place.next,
            input: this.#input,
            output: this.#output,
          }),
        ];
      case 'audio':
        return [this.#audio(request.audio)];
      case 'commit':
        return [encodeProtocol(request)];
      case 'interrupted': {
        const { item = '', frames, unheard } = request.heard;
        return [
          encodeProtocol({
            type: 'interrupted',
            frames,
            item,
            unheard: unheard.slice(0, MAX_UNHEARD),
          }),
        ];
      }
      case 'mute':
        return [encodeProtocol(request)];
      case 'mark':
        return [
          encodeProtocol({ type: 'mark', frames: this.#frame, item: '', name: request.name }),
        ];
      case 'clear':
        return [encodeProtocol({ type: 'interrupt', frame: this.#frame })];
      case 'played': {
        const { item, name, frames } = request;
        return [encodeProtocol({ type: 'played', frames, item, name: name ?? '' })];
      }
      case 'keep-alive':
        return [encodeProtocol({ type: 'ping', number: this.#pings++ })];
      case 'message':
        return [appMessage(request.value)];
      case 'end':
        return [encodeProtocol({ type: 'bye', code: CLOSING.done, reason: '' })];
    }
  }

  #audio({ frame, frames, bytes }: UpAudio): WireMessage {
    const timestamp = Math.round((frame / this.#input.sampleRate) * 1e6);
    const sequence = this.#sequence;
    const message = encodeProtocol({
      type: 'audio',
      packet: {
        ...this.#input,
        sequence,
        frame,
        frames,
        timestamp,
        dropped: 0,
        payload: bytes,
      },
    });
    this.#sequence++;
    this.#frame = frame + frames;
    return message;
  }

  decode(message: string | Uint8Array): readonly ServiceEvent[] {
    if (typeof message === 'string') return [textEvent(message)];
    const read = decodeProtocol(message);
    if (read.type === 'bye') return byeEvents(read.code, read.reason);
    if (read.type === 'welcome') return this.#welcome(read);
    if (this.#down === null) {
      throw new PacketError('bad-field', `welcome must come first, got ${read.type}.`);
    }
    return this.#events(read, this.#down);
  }

  #welcome(welcome: WelcomeMessage): ServiceEvent[] {
    if (this.#down !== null) throw new PacketError('bad-field', 'welcome must come once.');
    const { item } = this.#place;
    const isItemOver = item !== '' && !welcome.known;
    const place = isItemOver ? { next: this.#place.next, item: '' } : this.#place;
    this.#down = new DownAudio(welcome.output, this.#output, place);
    return [
      // A server that was started again knows nothing of the item that it was sending.
      ...(isItemOver ? ([{ type: 'item-end', item }, this.#down.handle] as const) : []),
      { type: 'acknowledged', frame: welcome.next },
      { type: 'ready' },
    ];
  }

  #events(read: ProtocolMessage, down: DownAudio): readonly ServiceEvent[] {
    switch (read.type) {
      case 'audio':
        return down.audio(read.packet);
      case 'item':
        return down.begin(read.frame, read.item);
      case 'item-end':
        return down.end(read.frame, read.item);
      case 'interrupt':
        return down.interrupt(read.frame);
      case 'acknowledged':
        return [{ type: 'acknowledged', frame: read.frame }];
      case 'mark':
        return [{ type: 'mark', item: read.item, name: read.name, frame: read.frames }];
      case 'played':
        return [{ type: 'marked', name: read.name }];
      case 'ping':
        return [{ type: 'reply', message: encodeProtocol({ type: 'pong', number: read.number }) }];
      case 'pong':
        return [];
      case 'leaving':
        return [{ type: 'going-away', inMs: read.ms }];
      case 'data':
        return [{ type: 'message', value: read.bytes }];
      default:
        throw new PacketError('unknown-type', `a client does not get ${read.type}.`);
    }
  }
}

/** How far the server's audio has come, over all connections of a session: what a handle says. */
interface DownPlace {
  /** The next frame that is needed. */
  readonly next: number;
  /** The item that is under way; empty: none. */
  readonly item: string;
}

/** A handle is the next frame, a blank and the item. */
const HANDLE = /^(\d{1,16}) (.*)$/s;

function placeOf(handle: string | null): DownPlace {
  const [, next = '0', item = ''] = HANDLE.exec(handle ?? '') ?? [];
  return Number.isSafeInteger(Number(next)) ? { next: Number(next), item } : { next: 0, item: '' };
}

/** The server's audio on one connection. */
class DownAudio {
  readonly #stream: StreamFormat | null;
  /** Told with the audio where it is not what the service promised. */
  readonly #told: { readonly stream?: StreamFormat };
  readonly #cursor: ArrivalCursor;
  #item: string;
  #acknowledged: number;

  constructor(stream: StreamFormat | null, promised: StreamFormat | null, place: DownPlace) {
    this.#stream = stream;
    this.#told = stream === null || isSame(stream, promised) ? {} : { stream };
    this.#cursor = new ArrivalCursor(stream ?? DEFAULT_OUTPUT, place.next);
    this.#item = place.item;
    this.#acknowledged = place.next;
  }

  get handle(): ServiceEvent {
    return { type: 'handle', handle: `${this.#cursor.next} ${this.#item}` };
  }

  begin(frame: number, item: string): ServiceEvent[] {
    if (item === this.#item || frame < this.#cursor.next) return [];
    const before = this.#item;
    this.#item = '';
    this.#cursor.advance(frame);
    const events = before === '' ? [] : [{ type: 'item-end', item: before } as const];
    this.#item = item;
    return [...events, this.handle];
  }

  audio(packet: {
    readonly frame: number;
    readonly frames: number;
    readonly payload: Uint8Array;
    readonly format: StreamFormat['format'];
    readonly sampleRate: number;
    readonly channels: number;
  }): ServiceEvent[] {
    if (!isSame(packet, this.#stream)) {
      throw new PacketError('bad-field', 'audio must be of the stream that welcome says.');
    }
    const item = this.#item;
    if (item === '') throw new PacketError('bad-field', 'audio must follow the item of it.');
    const arrival = this.#cursor.look(packet.frame, packet.frames, packet.payload);
    if (arrival === null) return [];
    this.#cursor.advance(arrival.frame + arrival.frames);
    const { bytes, missing } = arrival;
    return [
      {
        type: 'audio',
        item,
        bytes,
        ...this.#told,
        ...(missing === 0 ? undefined : { lostFrames: missing }),
      },
      this.handle,
      ...this.#acknowledge(packet.sampleRate * ACKNOWLEDGE_EVERY),
    ];
  }

  end(frame: number, item: string): ServiceEvent[] {
    if (item !== this.#item) return [];
    this.#cursor.advance(frame);
    this.#item = '';
    return [{ type: 'item-end', item }, this.handle, ...this.#acknowledge(1)];
  }

  interrupt(frame: number): ServiceEvent[] {
    if (frame < this.#cursor.next) return [];
    this.#cursor.advance(frame);
    this.#item = '';
    return [{ type: 'interrupted' }, this.handle, ...this.#acknowledge(1)];
  }

  #acknowledge(every: number): ServiceEvent[] {
    const { next } = this.#cursor;
    if (next - this.#acknowledged < every) return [];
    this.#acknowledged = next;
    return [{ type: 'reply', message: encodeProtocol({ type: 'acknowledged', frame: next }) }];
  }
}

function isSame(one: StreamFormat, other: StreamFormat | null): boolean {
  return (
    one.format === other?.format &&
    one.sampleRate === other.sampleRate &&
    one.channels === other.channels
  );
}

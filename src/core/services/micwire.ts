import { PacketError } from '../errors.ts';
import { checkStream } from '../format/check-stream.ts';
import { bytesPerFrame, frameTimestamp, isSameStream } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { Packet } from '../framing/packet.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { encodeAppMessage, readAppText } from '../session/app-messages.ts';
import { ArrivalCursor } from '../session/arrival-cursor.ts';
import {
  CLOSING,
  MAX_PAYLOAD_BYTES,
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
import { flagOf, need, numberOf, textOf } from './shared/json-fields.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose as usualAfterClose,
  mono16,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link micwire}. */
export interface MicwireOptions extends ServiceOptions {
  /** Format of the user's audio. @default s16, 16000 Hz, one channel */
  readonly input?: StreamFormat;
  /**
   * Format of the audio that the server is asked to send; null for no audio. The server may choose another one.
   * @default s16, 24000 Hz, one channel
   */
  readonly output?: StreamFormat | null;
}

const OPTION_NAMES = {
  ...SERVICE_OPTION_NAMES,
  input: 1,
  output: 1,
} satisfies OptionNames<MicwireOptions>;

const KEEP_ALIVE_MS = 5000;
/** Amount of audio after which an acknowledgement is sent, in seconds. */
const ACKNOWLEDGE_EVERY = 0.1;

/**
 * Describes a server that speaks micwire's own protocol, such as one made with `SessionServer`: every frame is acknowledged in both
 * directions, so a lost connection neither loses nor doubles any. docs/protocol.md specifies it.
 * @throws TypeError or RangeError for an invalid option
 */
export function micwire(options: MicwireOptions = {}): Service {
  checkOptions('micwire', options, OPTION_NAMES);
  const input = checkStream(options.input ?? mono16(16_000));
  const output = options.output === null ? null : checkStream(options.output ?? mono16(24_000));
  const base = serviceBase(options, {
    acknowledges: true,
    replaySpeed: 8,
    muteAs: 'keep-alive',
    keepAliveMs: KEEP_ALIVE_MS,
    address: (url, token) =>
      serviceAddress(url, {
        protocols: token === undefined ? [PROTOCOL_NAME] : [PROTOCOL_NAME, tokenProtocol(token)],
      }),
    afterClose,
  });
  const chunkBytes = (bytesPerFrame(input) * input.sampleRate * base.chunkDurationMs) / 1000;
  if (chunkBytes > MAX_PAYLOAD_BYTES) {
    throw new RangeError(
      `Chunks must have at most ${MAX_PAYLOAD_BYTES} bytes, got ${chunkBytes}. Choose a shorter chunkDurationMs.`,
    );
  }
  return {
    ...base,
    id: 'micwire',
    transport: 'websocket',
    input,
    output,
    encoding: 'binary',
    connect: () => new MicwireConnection(input, output),
  };
}

/** Codes from 4400 to 4499 refuse permanently, as 400 to 499 do in HTTP. */
function afterClose(code: number): AfterClose {
  return code >= 4400 && code < 4500 ? 'stop' : usualAfterClose(code);
}

class MicwireConnection implements ServiceConnection {
  readonly #input: StreamFormat;
  readonly #output: StreamFormat | null;
  /** Number of audio messages on this connection. */
  #sequence = 0;
  /** The end of the audio sent so far. */
  #frame = 0;
  #pings = 0;
  #down: DownAudio | null = null;
  #place: DownPlace = NO_PLACE;

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
        return [encodeAppMessage(request.value)];
      case 'end':
        return [encodeProtocol({ type: 'bye', code: CLOSING.done, reason: '' })];
    }
  }

  #audio({ frame, frames, bytes }: UpAudio): WireMessage {
    const timestamp = frameTimestamp(frame, this.#input.sampleRate);
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
    const read = typeof message === 'string' ? message : decodeProtocol(message);
    if (typeof read !== 'string') {
      if (read.type === 'bye') return byeEvents(read.code, read.reason);
      if (read.type === 'welcome') return this.#welcome(read);
    }
    if (this.#down === null) throw new PacketError('bad-field', 'welcome must come first.');
    return typeof read === 'string' ? textEvents(read) : this.#events(read, this.#down);
  }

  #welcome(welcome: WelcomeMessage): ServiceEvent[] {
    const { known, next, received, output } = welcome;
    const { item } = this.#place;
    const isItemOver = item !== '' && !known;
    // A server that was restarted does not know what it was sending.
    const place = known ? this.#place : { ...NO_PLACE, next: this.#place.next };
    this.#down = new DownAudio(output, this.#output, place);
    return [
      ...(isItemOver ? ([{ type: 'item-end', item }, this.#down.handle] as const) : []),
      { type: 'acknowledged', frame: next, ...(received > next ? { received } : undefined) },
      { type: 'ready', ...(known ? { resumed: true } : undefined) },
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
      case 'mark': {
        const { item, name, frames } = read;
        return down.note(read, { type: 'mark', item, name, frame: frames });
      }
      case 'played':
        return down.note(read, { type: 'marked', name: read.name });
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

/** How much of the server's audio has arrived, over all connections of a session: the content of a handle. */
interface DownPlace {
  /** The next frame that is needed. */
  readonly next: number;
  /** The item that is arriving; empty if there is none. */
  readonly item: string;
  /** The notes that have arrived at `next`: a server that does not know this sends them again on the next connection. */
  readonly notes: readonly string[];
}

const NO_PLACE: DownPlace = { next: 0, item: '', notes: [] };
/** Maximum number of notes that are remembered. The oldest are forgotten. */
const MAX_NOTES = 256;

/** A message that belongs to a position in the audio, and has no number of its own. */
type Note = Extract<ProtocolMessage, { readonly type: 'mark' | 'played' }>;

/** Returns a key that is equal for the same note. */
function keyOf({ type, frames, item, name }: Note): string {
  return `${type} ${frames} ${item.length} ${item}${name}`;
}

/** A handle is the next frame, a space and the item, and each note after a U+FFFD, which no name of the protocol contains. */
const HANDLE = /^(\d{1,16}) (.*)$/s;
const BEFORE_NOTE = '\ufffd';

function handleOf({ next, item, notes }: DownPlace): string {
  return [`${next} ${item}`, ...notes].join(BEFORE_NOTE);
}

function placeOf(handle: string | null): DownPlace {
  const [place = '', ...notes] = (handle ?? '').split(BEFORE_NOTE);
  const [, next = '0', item = ''] = HANDLE.exec(place) ?? [];
  return Number.isSafeInteger(Number(next)) ? { next: Number(next), item, notes } : NO_PLACE;
}

/** The server's audio on one connection. */
class DownAudio {
  readonly #stream: StreamFormat | null;
  /** Reported with the audio if it differs from what the service promised. */
  readonly #told: { readonly stream?: StreamFormat };
  readonly #cursor: ArrivalCursor;
  #item: string;
  #acknowledged: number;
  /** As in `DownPlace`. */
  #notes: string[];
  /** Those that arrived on earlier connections, and have not arrived again on this one. */
  #known: string[];

  constructor(stream: StreamFormat | null, promised: StreamFormat | null, place: DownPlace) {
    this.#stream = stream;
    this.#told = stream === null || isSameStream(stream, promised) ? {} : { stream };
    this.#cursor = new ArrivalCursor(stream ?? mono16(24_000), place.next);
    this.#item = place.item;
    this.#acknowledged = place.next;
    this.#notes = [...place.notes];
    this.#known = [...place.notes];
  }

  get handle(): ServiceEvent {
    const place = { next: this.#cursor.next, item: this.#item, notes: this.#notes };
    return { type: 'handle', handle: handleOf(place) };
  }

  /** Takes a note, which means `event`. @returns no events if it has arrived before */
  note(note: Note, event: ServiceEvent): ServiceEvent[] {
    const key = keyOf(note);
    const known = this.#known.indexOf(key);
    if (known >= 0) {
      this.#known.splice(known, 1);
      return [];
    }
    this.#notes.push(key);
    if (this.#notes.length > MAX_NOTES) this.#notes.shift();
    return [event, this.handle];
  }

  #advance(frame: number): void {
    if (frame <= this.#cursor.next) return;
    this.#cursor.advance(frame);
    this.#notes = [];
    this.#known = [];
  }

  begin(frame: number, item: string): ServiceEvent[] {
    if (item === this.#item || frame < this.#cursor.next) return [];
    const before = this.#item;
    this.#item = '';
    this.#advance(frame);
    const events = before === '' ? [] : [{ type: 'item-end', item: before } as const];
    this.#item = item;
    return [...events, this.handle];
  }

  audio(packet: Packet): ServiceEvent[] {
    if (!isSameStream(packet, this.#stream)) {
      throw new PacketError('bad-field', 'audio must be of the stream that welcome says.');
    }
    const item = this.#item;
    if (item === '') throw new PacketError('bad-field', 'audio must follow the item of it.');
    const arrival = this.#cursor.look(packet.frame, packet.frames, packet.payload);
    if (arrival === null) return [];
    this.#advance(arrival.frame + arrival.frames);
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
    this.#advance(frame);
    this.#item = '';
    return [{ type: 'item-end', item }, this.handle, ...this.#acknowledge(1)];
  }

  interrupt(frame: number): ServiceEvent[] {
    if (frame < this.#cursor.next) return [];
    this.#advance(frame);
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

function byeEvents(code: number, message: string): readonly ServiceEvent[] {
  if (code === CLOSING.done || code === CLOSING.over) return [{ type: 'ended' }];
  if (afterClose(code) === 'retry') return [];
  return [{ type: 'error', code: String(code), message, fatal: true, retry: false }];
}

/** A text message belongs to the app; an object with a `micwire` property also means something to the session. */
function textEvents(text: string): readonly ServiceEvent[] {
  const value = readAppText(text);
  const message: ServiceEvent = { type: 'message', value };
  return typeof value === 'string' ? [message] : [...objectEvents(value), message];
}

function objectEvents(fields: JsonFields): readonly ServiceEvent[] {
  switch (fields['micwire']) {
    case 'speech':
      return [{ type: 'speech', active: flagOf(fields, 'active') }];
    case 'transcript': {
      const item = textOf(fields, 'item');
      return [
        {
          type: 'transcript',
          who: textOf(fields, 'who') === 'agent' ? 'agent' : 'user',
          text: need(textOf(fields, 'text'), 'text'),
          final: flagOf(fields, 'final'),
          ...(item === undefined ? undefined : { item }),
        },
      ];
    }
    case 'caption': {
      const endMs = numberOf(fields, 'endMs');
      return [
        {
          type: 'caption',
          item: need(textOf(fields, 'item'), 'item'),
          text: need(textOf(fields, 'text'), 'text'),
          startMs: need(numberOf(fields, 'startMs'), 'startMs'),
          ...(endMs === undefined ? undefined : { endMs }),
        },
      ];
    }
    default:
      return [];
  }
}

import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../../arguments.ts';
import { joinBytes, utf8Bytes, utf8Text } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import { parseJsonObject } from '../../framing/json-object.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import { wholeNumberOf } from './call.ts';
import { need, objectOf, textOf } from './json-fields.ts';
import { jsonText } from '../../framing/app-message.ts';
import type { ByteQueue } from './tcp-messages.ts';

/*
 * A Wyoming event. Data in the line and data after it form one object.
 *
 *   {"type":"…","data":{…},"data_length":n,"payload_length":m} LF    one line of JSON in UTF-8; everything but `type` is optional
 *   n bytes of JSON: an object, more data
 *   m bytes: audio
 */
const LF = 0x0a;
const MAX_LINE_BYTES = 65_536;
const MAX_DATA_BYTES = 2 ** 20;
/** Maximum length of the data in the line of an event that is sent, in characters. */
const MAX_INLINE_DATA = 8192;
const MAX_PAYLOAD_BYTES = 2 ** 24;
const LIMITS = { maxLength: MAX_DATA_BYTES, maxDepth: 16, maxValues: 16_384 };
/** Formats by `width`, in bytes per sample. */
const WIDTHS = ['u8', 's16', 's24', 's32'] as const;

/** The line of an event, and the sizes of what follows it. */
interface EventHeader {
  readonly fields: JsonFields;
  readonly dataBytes: number;
  readonly payloadBytes: number;
}

/** An event. */
export interface WyomingEvent {
  readonly type: string;
  readonly data: JsonFields;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Reads events off a stream. */
export class WyomingReader {
  readonly #maxPayloadBytes: number;
  /** Number of bytes already searched for the end of the line. */
  #looked = 0;
  /** The line of the event whose data or payload is still arriving. */
  #header: EventHeader | undefined;
  #isOver = false;

  /** @param maxPayloadBytes 0..16777216 */
  constructor(maxPayloadBytes: number = MAX_PAYLOAD_BYTES) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Whether the start of the next event is unknown. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Takes the next event off the queue.
   * @returns null while it is incomplete
   * @throws PacketError for an invalid event. It was taken off the queue, unless the stream is over
   */
  next(queue: ByteQueue): WyomingEvent | null {
    const header = (this.#header ??= this.#readHeader(queue));
    if (header === undefined || queue.length < header.dataBytes + header.payloadBytes) return null;
    this.#header = undefined;
    const more = queue.take(header.dataBytes);
    const payload = queue.take(header.payloadBytes);
    // From here on, an error concerns only this event: the next one can be read.
    const type = need(textOf(header.fields, 'type'), 'type');
    const data = { ...objectOf(header.fields, 'data'), ...(more.length > 0 ? readData(more) : {}) };
    return { type, data, payload };
  }

  /** Without a valid line, the start of the next event is unknown. */
  #readHeader(queue: ByteQueue): EventHeader | undefined {
    this.#isOver = true;
    const end = queue.indexOf(LF, this.#looked);
    if ((end < 0 ? queue.length : end) > MAX_LINE_BYTES) {
      throw new PacketError('oversized', `a line may have ${MAX_LINE_BYTES} bytes.`);
    }
    this.#looked = end < 0 ? queue.length : 0;
    if (end < 0) {
      this.#isOver = false;
      return undefined;
    }
    const line = queue.take(end);
    queue.skip(1);
    const fields = readData(line);
    const dataBytes = wholeNumberOf(fields, 'data_length', { max: MAX_DATA_BYTES }) ?? 0;
    const max = this.#maxPayloadBytes;
    const payloadBytes = wholeNumberOf(fields, 'payload_length', { max }) ?? 0;
    this.#isOver = false;
    return { fields, dataBytes, payloadBytes };
  }
}

function readData(bytes: Uint8Array): JsonFields {
  return parseJsonObject('an event', utf8Text(bytes), LIMITS);
}

/** Reads the stream format from `audio-start` and `audio-chunk`. @throws PacketError */
export function wyomingStream(data: JsonFields): StreamFormat {
  const rates = { min: MIN_SAMPLE_RATE, max: MAX_SAMPLE_RATE };
  const sampleRate = need(wholeNumberOf(data, 'rate', rates), 'rate');
  const width = need(wholeNumberOf(data, 'width', { min: 1, max: WIDTHS.length }), 'width');
  const channels = need(wholeNumberOf(data, 'channels', { min: 1, max: MAX_CHANNELS }), 'channels');
  return { format: WIDTHS[width - 1]!, sampleRate, channels };
}

/** Encodes an event. @throws TypeError for data that JSON cannot represent */
export function wyomingEventBytes(
  type: string,
  data: object = {},
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const fields = Object.keys(data).length > 0 ? jsonText('an event', data) : '';
  // Readers limit the length of a line, but not of the data after it.
  const isInLine = fields.length <= MAX_INLINE_DATA;
  const behind = isInLine ? new Uint8Array(0) : utf8Bytes(fields);
  const line = {
    type,
    ...(isInLine && fields !== '' ? { data } : {}),
    ...(behind.length > 0 ? { data_length: behind.length } : {}),
    ...(payload.length > 0 ? { payload_length: payload.length } : {}),
  };
  return joinBytes([utf8Bytes(`${jsonText('an event', line)}\n`), behind, payload]);
}

import { writeUint16 } from '../bytes.ts';
import { PacketError } from '../errors.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceEvent } from './service.ts';
import { CALL, CallerNames, audioEvents, oneRate, wholeFrames } from './shared/call.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { streamDecoder, tcpAddress } from './shared/tcp-messages.ts';
import type { ByteQueue } from './shared/tcp-messages.ts';

/*
 * A message of AudioSocket. The length is that of the payload, in network byte order.
 *
 *    0                   1                   2
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
 *   +---------------+-------------------------------+-------------- …
 *   |     kind      |            length             | payload
 *   +---------------+-------------------------------+-------------- …
 */
const HEADER_BYTES = 3;
/** The longest payload of whole samples. */
const MAX_AUDIO_BYTES = 65_534;

const HANGUP = 0x00;
const UUID = 0x01;
const DTMF = 0x03;
const FIRST_AUDIO = 0x10;
const ERROR = 0xff;
/** Rates of the kinds of audio, from 0x10 on. */
const RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/** Options of {@link asteriskAudiosocket}. */
export interface AsteriskAudiosocketOptions extends ServiceOptions {
  /** Rate in both directions, Hz: that of the channel's codec. The dialplan's application AudioSocket() has 8000. @default 8000 */
  readonly sampleRate?: number;
}

const NAMES: OptionNames<AsteriskAudiosocketOptions> = { ...SERVICE_OPTION_NAMES, sampleRate: 1 };

/**
 * Asterisk AudioSocket, over TCP: Asterisk connects to the app's server (`Dial(AudioSocket/host:port/uuid/c(slin16))`, or the
 * application `AudioSocket(uuid,host:port)`).
 *
 * Audio is mono, 16 bits little-endian. Asterisk plays audio as it comes and has no queue: a session must not send faster than real
 * time, there is nothing to clear, and there are no marks. The UUID of the call, keys and other messages reach the app as
 * `'message'` events: `{ kind: 'uuid', uuid }`, `{ kind: 'dtmf', digit }`. The end of the session hangs up. Tested
 * with Asterisk's master of August 2026.
 *
 * Sources: asterisk/asterisk, include/asterisk/res_audiosocket.h and res/res_audiosocket.c;
 * docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function asteriskAudiosocket(options: AsteriskAudiosocketOptions = {}): Service {
  checkOptions('asteriskAudiosocket', options, NAMES);
  const stream = mono16(oneRate(options.sampleRate ?? 8000, RATES));
  const audioKind = FIRST_AUDIO + RATES.indexOf(stream.sampleRate);
  const callers = new CallerNames();
  return {
    id: 'asterisk-audiosocket',
    input: stream,
    output: stream,
    encoding: 'binary',
    ...serviceBase(options, { ...CALL, transport: 'tcp', replaySpeed: 1.1, address: tcpAddress }),
    connect() {
      const caller = callers.next();
      let isOver = false;
      const said = (kind: number, payload: Uint8Array): readonly ServiceEvent[] => {
        const rate = RATES[kind - FIRST_AUDIO];
        if (rate !== undefined) {
          const of = rate === stream.sampleRate ? stream : mono16(rate);
          return audioEvents(caller, wholeFrames(payload, of), of === stream ? {} : { stream: of });
        }
        switch (kind) {
          case HANGUP:
            isOver = true;
            return [{ type: 'item-end', item: caller }, { type: 'ended' }];
          case UUID:
            return [{ type: 'ready' }, message({ kind: 'uuid', uuid: uuidOf(payload) })];
          case DTMF:
            if (payload.length !== 1) throw badLength('a key', 1, payload.length);
            return [message({ kind: 'dtmf', digit: String.fromCharCode(payload[0]!) })];
          case ERROR: {
            const code = payload.length === 0 ? 'error' : String(payload[0]!);
            const text = `Asterisk reports the error ${code}.`;
            return [{ type: 'error', code, message: text, fatal: false, retry: false }];
          }
          default:
            throw new PacketError('unknown-type', `kind ${kind} is not known.`);
        }
      };
      return {
        encode(request) {
          switch (request.type) {
            case 'audio':
              return frames(audioKind, request.audio.bytes);
            case 'message':
              // Text and objects would put the stream out of step.
              return request.value instanceof Uint8Array ? [Uint8Array.from(request.value)] : [];
            case 'end':
              return [Uint8Array.of(HANGUP, 0, 0)];
            default:
              return [];
          }
        },
        decode: streamDecoder({
          // Every message has its length, so that its end is always found.
          get isOver() {
            return isOver;
          },
          next(queue) {
            const found = nextMessage(queue);
            return found === null ? null : said(found.kind, found.payload);
          },
        }),
      };
    },
  };
}

function nextMessage(
  queue: ByteQueue,
): { readonly kind: number; readonly payload: Uint8Array } | null {
  if (queue.length < HEADER_BYTES) return null;
  const length = (queue.byte(1) << 8) | queue.byte(2);
  if (queue.length < HEADER_BYTES + length) return null;
  const whole = queue.take(HEADER_BYTES + length);
  return { kind: whole[0]!, payload: whole.subarray(HEADER_BYTES) };
}

/** Audio in as few messages as it takes. */
function frames(kind: number, bytes: Uint8Array): readonly Uint8Array<ArrayBuffer>[] {
  const result = [];
  for (let at = 0; at < bytes.length; at += MAX_AUDIO_BYTES) {
    const part = bytes.subarray(at, at + MAX_AUDIO_BYTES);
    const whole = new Uint8Array(HEADER_BYTES + part.length);
    whole[0] = kind;
    writeUint16(part.length, whole, 1);
    whole.set(part, HEADER_BYTES);
    result.push(whole);
  }
  return result;
}

const UUID_BYTES = 16;

function uuidOf(bytes: Uint8Array): string {
  if (bytes.length !== UUID_BYTES) throw badLength('a UUID', UUID_BYTES, bytes.length);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i]!, end)).join('-');
}

function badLength(what: string, expected: number, got: number): PacketError {
  return new PacketError('bad-field', `${what} must have ${expected} bytes, got ${got}.`);
}

function message(value: object): ServiceEvent {
  return { type: 'message', value };
}

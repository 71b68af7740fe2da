import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import type { OptionNames } from '../option-names.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceEvent, WireMessage } from './service.ts';
import {
  CALL,
  CallerNames,
  SentMarks,
  audioEvents,
  wholeFrames,
  wrongFormat,
} from './shared/call.ts';
import { need, readJson, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { SERVICE_OPTION_NAMES, serviceAddress, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link asteriskWebsocket}. */
export interface AsteriskWebsocketOptions extends ServiceOptions {
  /** Codec of the channel, by Asterisk's name: the `c(…)` of the dial string. @default 'slin16' */
  readonly codec?: AsteriskCodec;
}

/** Asterisk's name of a codec. */
export type AsteriskCodec =
  | 'ulaw'
  | 'alaw'
  | 'slin'
  | 'slin12'
  | 'slin16'
  | 'slin24'
  | 'slin32'
  | 'slin44'
  | 'slin48'
  | 'slin96'
  | 'slin192'
  | 'opus';

/** Streams of Asterisk's codecs. */
const CODECS: Readonly<Record<AsteriskCodec, StreamFormat>> = {
  ulaw: { format: 'mulaw', sampleRate: 8000, channels: 1 },
  alaw: { format: 'alaw', sampleRate: 8000, channels: 1 },
  slin: { format: 's16', sampleRate: 8000, channels: 1 },
  slin12: { format: 's16', sampleRate: 12_000, channels: 1 },
  slin16: { format: 's16', sampleRate: 16_000, channels: 1 },
  slin24: { format: 's16', sampleRate: 24_000, channels: 1 },
  slin32: { format: 's16', sampleRate: 32_000, channels: 1 },
  slin44: { format: 's16', sampleRate: 44_100, channels: 1 },
  slin48: { format: 's16', sampleRate: 48_000, channels: 1 },
  slin96: { format: 's16', sampleRate: 96_000, channels: 1 },
  slin192: { format: 's16', sampleRate: 192_000, channels: 1 },
  opus: { format: 'opus', sampleRate: 48_000, channels: 1 },
};

const NAMES: OptionNames<AsteriskWebsocketOptions> = { ...SERVICE_OPTION_NAMES, codec: 1 };
const CODEC_NAMES = /* @__PURE__ */ Object.keys(CODECS) as readonly AsteriskCodec[];

/** Far longer than any text that Asterisk sends. */
const MAX_TEXT = 65_536;

/**
 * Asterisk's channel driver chan_websocket, which ARI's external media uses as well. Asterisk connects to the app's server, or the app
 * to `wss://…/media/<connection id>`, with the subprotocol `media` in both cases.
 *
 * Audio is binary, in the channel's codec. Commands and events are text, in Asterisk's plain form or as JSON (`f(json)`, from 20.18,
 * 22.8 and 23.2): the session uses the form that Asterisk uses. In both forms, events reach the app as objects with `event`, such as
 * `{ event: 'DTMF_END', digit: '5' }`.
 *
 * Asterisk queues 1000 frames of 20 ms. At 900 it sends `MEDIA_XOFF`, and the session holds back its audio until `MEDIA_XON`. Asterisk
 * drops an incomplete frame at the end of a message unless it was sent `START_MEDIA_BUFFERING`, so the session sends that first.
 * `FLUSH_MEDIA` empties the queue, marks included, and also ends the buffering. Asterisk passes Opus through, and then supports neither
 * marks nor `FLUSH_MEDIA`. Ending the session hangs up. Tested with Asterisk's master branch of August 2026.
 *
 * Sources: asterisk/asterisk, channels/chan_websocket.c; docs.asterisk.org/Configuration/Channel-Drivers/WebSocket.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function asteriskWebsocket(options: AsteriskWebsocketOptions = {}): Service {
  checkOptions('asteriskWebsocket', options, NAMES);
  const codec = oneOf('codec', options.codec ?? 'slin16', CODEC_NAMES);
  const stream = CODECS[codec];
  const passedThrough = !isSampled(stream);
  const callers = new CallerNames();
  return {
    id: 'asterisk-websocket',
    input: stream,
    output: stream,
    encoding: 'binary',
    ...serviceBase(options, {
      ...CALL,
      address: (url, token) => serviceAddress(url, { query: { token }, protocols: ['media'] }),
    }),
    connect() {
      const caller = callers.next();
      const marks = new SentMarks();
      let json = false;
      const command = (name: string, id?: string): string => {
        if (!json) return id === undefined ? name : `${name} ${id}`;
        return JSON.stringify({
          command: name,
          ...(id === undefined ? {} : { correlation_id: id }),
        });
      };
      const clear = (): readonly WireMessage[] => {
        marks.clear();
        return passedThrough ? [] : [command('FLUSH_MEDIA'), command('START_MEDIA_BUFFERING')];
      };
      const said = (event: string, fields: JsonFields): readonly ServiceEvent[] => {
        switch (event) {
          case 'MEDIA_START':
            if (need(textOf(fields, 'format'), 'format') !== codec) {
              return [wrongFormat('The codec of the service must be the one of the channel.')];
            }
            if (passedThrough) return [{ type: 'ready' }];
            return [
              { type: 'reply', message: command('START_MEDIA_BUFFERING') },
              { type: 'ready' },
            ];
          case 'MEDIA_XOFF':
            return [{ type: 'flow', open: false }];
          case 'MEDIA_XON':
            return [{ type: 'flow', open: true }];
          case 'MEDIA_MARK_PROCESSED':
            return marks.heard(textOf(fields, 'correlation_id') ?? '');
          case 'ERROR': {
            const message = textOf(fields, 'error_text') ?? 'Asterisk reports an error.';
            return [{ type: 'error', code: 'error', message, fatal: false, retry: true }];
          }
          default:
            return [];
        }
      };
      const messages = messageConnection({
        requests: {
          audio: ({ audio }) => [audio.bytes],
          // Asterisk rejects text above 128 bytes, so names are not sent.
          mark: ({ name }) => (passedThrough ? [] : [command('MARK_MEDIA', marks.add(name, ''))]),
          clear,
          interrupted: clear,
          end: () => [command('HANGUP')],
        },
        json: () => [],
      });
      return {
        encode: (request) => messages.encode(request),
        decode(message) {
          if (typeof message !== 'string') return audioEvents(caller, wholeFrames(message, stream));
          const isJson = message.startsWith('{');
          const fields = isJson ? readJson(message) : readPlain(message);
          const event = need(textOf(fields, 'event'), 'event');
          if (event === 'MEDIA_START') json = isJson;
          return [...said(event, fields), { type: 'message', value: fields }];
        },
      };
    },
  };
}

/**
 * Reads an event in the plain form: its name, then `name:value` pairs or the name of a mark. Only the last value may contain spaces.
 * @throws PacketError
 */
function readPlain(text: string): JsonFields {
  if (text.length > MAX_TEXT) {
    throw new PacketError('oversized', `an event may have ${MAX_TEXT} characters.`);
  }
  const [event = '', ...rest] = text.split(' ');
  if (!/^[A-Z_]{1,64}$/.test(event)) {
    throw new PacketError('unknown-type', 'an event must begin with its name.');
  }
  if (event === 'MEDIA_MARK_PROCESSED' || event === 'MEDIA_BUFFERING_COMPLETED') {
    return { event, correlation_id: rest.join(' ') };
  }
  const fields: Record<string, string> = { event };
  let last = '';
  for (const word of rest) {
    const colon = word.indexOf(':');
    const name = word.slice(0, Math.max(0, colon));
    if (last === 'error_text' || !/^[a-z_]{1,64}$/.test(name)) {
      if (last !== '') fields[last] += ` ${word}`;
      continue;
    }
    last = name;
    fields[name] = word.slice(colon + 1);
  }
  return fields;
}

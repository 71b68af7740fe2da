import { PacketError } from '../errors.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceEvent } from './service.ts';
import {
  AUDIOSOCKET,
  AUDIOSOCKET_RATES,
  audiosocketAudio,
  audiosocketDigit,
  audiosocketHangup,
  audiosocketRate,
  audiosocketUuid,
  nextAudiosocketMessage,
} from './shared/audiosocket-messages.ts';
import { CALL, CallerNames, audioEvents, oneRate, wholeFrames } from './shared/call.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { streamDecoder, tcpAddress } from './shared/tcp-messages.ts';

/** Options of {@link asteriskAudiosocket}. */
export interface AsteriskAudiosocketOptions extends ServiceOptions {
  /**
   * Sample rate in both directions, in Hz: that of the channel's codec. The dialplan application AudioSocket() uses 8000.
   * @default 8000
   */
  readonly sampleRate?: number;
}

const NAMES: OptionNames<AsteriskAudiosocketOptions> = { ...SERVICE_OPTION_NAMES, sampleRate: 1 };

/**
 * Asterisk AudioSocket, over TCP: Asterisk connects to the app's server (`Dial(AudioSocket/host:port/uuid/c(slin16))`, or the
 * application `AudioSocket(uuid,host:port)`).
 *
 * Audio is mono, 16 bits little-endian. Asterisk plays audio as it arrives and has no queue: a session must not send faster than real
 * time, and there is nothing to clear and no marks. The UUID of the call, keys and other messages reach the app as `'message'` events:
 * `{ kind: 'uuid', uuid }`, `{ kind: 'dtmf', digit }`. Ending the session hangs up. Tested with Asterisk's master branch of August
 * 2026.
 *
 * Sources: asterisk/asterisk, include/asterisk/res_audiosocket.h and res/res_audiosocket.c;
 * docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function asteriskAudiosocket(options: AsteriskAudiosocketOptions = {}): Service {
  checkOptions('asteriskAudiosocket', options, NAMES);
  const stream = mono16(oneRate(options.sampleRate ?? 8000, AUDIOSOCKET_RATES));
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
        const rate = audiosocketRate(kind);
        if (rate !== undefined) {
          const of = rate === stream.sampleRate ? stream : mono16(rate);
          return audioEvents(caller, wholeFrames(payload, of), of === stream ? {} : { stream: of });
        }
        switch (kind) {
          case AUDIOSOCKET.hangup:
            isOver = true;
            return [{ type: 'item-end', item: caller }, { type: 'ended' }];
          case AUDIOSOCKET.uuid:
            return [{ type: 'ready' }, message({ kind: 'uuid', uuid: audiosocketUuid(payload) })];
          case AUDIOSOCKET.dtmf:
            return [message({ kind: 'dtmf', digit: audiosocketDigit(payload) })];
          case AUDIOSOCKET.error: {
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
              return audiosocketAudio(stream.sampleRate, request.audio.bytes);
            case 'message':
              // Text and objects would break the framing of the stream.
              return request.value instanceof Uint8Array ? [Uint8Array.from(request.value)] : [];
            case 'end':
              return [audiosocketHangup()];
            default:
              return [];
          }
        },
        decode: streamDecoder({
          // Every message has its length, so its end is always found.
          get isOver() {
            return isOver;
          },
          next(queue) {
            const found = nextAudiosocketMessage(queue);
            return found === null ? null : said(found.kind, found.payload);
          },
        }),
      };
    },
  };
}

function message(value: object): ServiceEvent {
  return { type: 'message', value };
}

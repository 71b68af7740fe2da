import { utf8Text } from '../../core/bytes.ts';
import type { JsonFields } from '../../core/framing/json-object.ts';
import type { Service, ServiceConnection, ServiceEvent } from '../../core/services/service.ts';
import { flagOf, numberOf, readJson, textOf } from '../../core/services/shared/json-fields.ts';
import { messageConnection } from '../../core/services/shared/message-connection.ts';
import { mono16, serviceBase } from '../../core/services/shared/service-base.ts';

/*
 * The messages to and from a service, on one connection for each stream. docs/scale.md describes them for authors of services.
 *
 *   → {"type":"start","stream":"mic-1","format":"s16","sampleRate":16000,"channels":1,"frame":0}
 *   → consecutive samples, little-endian
 *   → {"type":"gap","frame":48000}               the next samples begin there: those between never arrived
 *   ← {"text":"hello","final":true,"taken":16000}
 *   → {"type":"end"}                              the stream is over. Without it, it continues on another connection
 *   ← {"ended":true}
 *
 * A message of the service is one or more lines of JSON, each with one or more of: `text`, which is stored and published with all other
 * fields of the line; `taken`, the frame before which no audio need arrive again; `ended`; and `refused`, the reason why this stream
 * must not arrive again.
 */

/** Text from a service. */
export interface StreamText {
  readonly text: string;
  /** Whether the text does not change any more. */
  readonly final: boolean;
  /** Other fields from the service. */
  readonly [more: string]: unknown;
}

/** Whether a stream is over, which only its worker knows, what happened to its end, and whether the service has refused the stream. */
export interface StreamFate {
  isOver: boolean;
  /** Whether the end was sent, whether it was answered, and whether the connection was lost after it. */
  isTold: boolean;
  isAnswered: boolean;
  isLost: boolean;
  refusal: string | null;
}

/** Maximum number of lines in a message. */
const MAX_LINES = 1000;
const REPLAY_SPEED = 100;

/** Creates a service with micwire's own text protocol, for one stream. */
export function textService(stream: string, sampleRate: number, fate: StreamFate): Service {
  const input = mono16(sampleRate);
  return {
    ...serviceBase(
      { replaySpeed: REPLAY_SPEED },
      {
        acknowledges: true,
        readyOnOpen: true,
        answersEnd: true,
        // The service refuses streams explicitly.
        afterClose: () => 'retry',
      },
    ),
    id: 'text',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection({ stream, ...input }, fate),
  };
}

function connection(
  start: {
    readonly stream: string;
    readonly format: string;
    readonly sampleRate: number;
    readonly channels: number;
  },
  fate: StreamFate,
): ServiceConnection {
  let next = 0;
  const requests = messageConnection({
    requests: {
      open: ({ frame }) => {
        next = frame;
        return [JSON.stringify({ type: 'start', ...start, frame })];
      },
      audio: ({ audio: { frame, frames, bytes } }) => {
        const isNext = frame === next;
        next = frame + frames;
        return isNext ? [bytes] : [JSON.stringify({ type: 'gap', frame }), bytes];
      },
      end: () => {
        if (!fate.isOver) return [];
        fate.isTold = true;
        return ['{"type":"end"}'];
      },
    },
    json: () => [],
  });
  return {
    encode: (request) => requests.encode(request),
    decode(message) {
      const text = typeof message === 'string' ? message : utf8Text(message);
      const events: ServiceEvent[] = [];
      for (const line of text.split('\n', MAX_LINES)) {
        if (line.trim() !== '') events.push(...eventsOf(readJson(line), fate));
      }
      return events;
    },
  };
}

function eventsOf(fields: JsonFields, fate: StreamFate): readonly ServiceEvent[] {
  const events: ServiceEvent[] = [];
  const taken = numberOf(fields, 'taken');
  const refused = textOf(fields, 'refused');
  // Text comes before `taken`, so that it is stored before the audio is acknowledged.
  if (textOf(fields, 'text') !== undefined) events.push({ type: 'message', value: fields });
  if (taken !== undefined) events.push({ type: 'acknowledged', frame: taken });
  if (refused !== undefined) {
    fate.refusal = refused;
    const message = refused.slice(0, 200);
    events.push({ type: 'error', code: 'refused', message, fatal: true, retry: false });
  } else if (flagOf(fields, 'ended')) {
    fate.isAnswered = fate.isTold;
    events.push({ type: 'ended' });
  }
  return events;
}

/** Returns the text in an event of a service; null if it has no text. */
export function textIn(event: ServiceEvent, isOwn: boolean): StreamText | null {
  if (isOwn) {
    if (event.type !== 'message') return null;
    const fields = event.value as JsonFields;
    return { ...fields, text: fields['text'] as string, final: fields['final'] !== false };
  }
  if (event.type !== 'transcript') return null;
  const { text, final, item } = event;
  return { text, final, ...(item === undefined ? {} : { item }) };
}

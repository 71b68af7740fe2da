import { utf8Text } from '../../core/bytes.ts';
import type { JsonFields } from '../../core/framing/json-object.ts';
import type { Service, ServiceConnection, ServiceEvent } from '../../core/services/service.ts';
import { flagOf, numberOf, readJson, textOf } from '../../core/services/shared/json-fields.ts';
import { messageConnection } from '../../core/services/shared/message-connection.ts';
import { mono16, serviceBase } from '../../core/services/shared/service-base.ts';

/*
 * What a service hears and says, on one connection for each stream. docs/scale.md describes it for those who write one.
 *
 *   → {"type":"start","stream":"mic-1","format":"s16","sampleRate":16000,"channels":1,"frame":0}
 *   → samples, little-endian, which follow each other
 *   → {"type":"gap","frame":48000}               the next samples begin there: those between never came
 *   ← {"text":"hello","final":true,"taken":16000}
 *   → {"type":"end"}                              the stream is over. Without it, it continues on another connection
 *   ← {"ended":true}
 *
 * A message of the service is one or more lines of JSON, each with one or more of: `text`, which is stored and published with whatever
 * else the line has; `taken`, the frame before which everything need not come again; `ended`; and `refused`, why this stream is not
 * to come again.
 */

/** Words that a service said. */
export interface StreamText {
  readonly text: string;
  /** The text does not change any more. */
  readonly final: boolean;
  /** Whatever else the service said with it. */
  readonly [more: string]: unknown;
}

/** Whether a stream is over, which only its worker knows, what became of its end, and whether the service wants the stream. */
export interface StreamFate {
  isOver: boolean;
  /** The end was sent, was answered, and was followed by a connection that broke. */
  isTold: boolean;
  isAnswered: boolean;
  isLost: boolean;
  refusal: string | null;
}

/** Lines that one message may have. */
const MAX_LINES = 1000;
const REPLAY_SPEED = 100;

/** A service of our own protocol, for one stream. */
export function textService(stream: string, sampleRate: number, fate: StreamFate): Service {
  const input = mono16(sampleRate);
  return {
    ...serviceBase(
      { replaySpeed: REPLAY_SPEED },
      {
        acknowledges: true,
        readyOnOpen: true,
        answersEnd: true,
        // It says itself what it does not want.
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
  // Words before what is taken: they are then kept when it is acknowledged.
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

/** The words in what a service says; null if there are none. */
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

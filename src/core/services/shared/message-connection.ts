import { describe } from '../../arguments.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { ServiceConnection, ServiceEvent, ServiceRequest, WireMessage } from '../service.ts';
import { readJson } from './json-fields.ts';

/** The messages of each kind of request that a service has. A request that is left out has no message. */
export type RequestEncoders = {
  readonly [Type in ServiceRequest['type']]?: (
    request: Extract<ServiceRequest, { readonly type: Type }>,
  ) => readonly WireMessage[];
};

/** What a service says to a session, and how it is asked. */
export interface MessageTable {
  /** `message` need not be given: see {@link appMessage}. */
  readonly requests: RequestEncoders;
  /**
   * What a JSON message says. Must only throw PacketError. Events need not repeat the message: it follows them as a `'message'`
   * event, unless it holds nothing but audio.
   */
  readonly json: (fields: JsonFields) => readonly ServiceEvent[];
  /** What a binary message says. Must only throw PacketError. @default binary messages hold JSON as well */
  readonly bytes?: (bytes: Uint8Array) => readonly ServiceEvent[];
}

/** Makes a connection of the functions for its messages. Text must be JSON: a service with other text writes its own `decode`. */
export function messageConnection({ requests, json, bytes }: MessageTable): ServiceConnection {
  return {
    encode(request) {
      const encode = requests[request.type] as
        | ((request: ServiceRequest) => readonly WireMessage[])
        | undefined;
      if (encode !== undefined) return encode(request);
      return request.type === 'message' ? [appMessage(request.value)] : [];
    },
    decode(message) {
      if (typeof message !== 'string' && bytes !== undefined) return bytes(message);
      const fields = readJson(message);
      const events = json(fields);
      const onlyAudio = events.length > 0 && events.every(({ type }) => type === 'audio');
      return onlyAudio ? events : [...events, { type: 'message', value: fields }];
    },
  };
}

/**
 * A message of the app's own: text and bytes as they are, anything else as JSON.
 * @throws TypeError for a value that JSON cannot carry
 */
export function appMessage(value: unknown): WireMessage {
  if (typeof value === 'string') return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    // A copy: the view may lie in shared memory, which WebSocket.send() refuses.
    return Uint8Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return jsonText('a message', value);
}

/**
 * A value as JSON.
 * @param what for the message of the error
 * @throws TypeError for a value that JSON cannot carry
 */
export function jsonText(what: string, value: unknown): string {
  // JSON.stringify throws for cycles, and returns undefined for functions and the like.
  const text: string | undefined = JSON.stringify(value);
  if (text !== undefined) return text;
  throw new TypeError(
    `${what} must be text, bytes or a value that JSON has, got ${describe(value)}.`,
  );
}

import { appMessage } from '../../framing/app-message.ts';
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

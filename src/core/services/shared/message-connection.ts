import { appMessage } from '../../framing/app-message.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { ServiceConnection, ServiceEvent, ServiceRequest, WireMessage } from '../service.ts';
import { readJson } from './json-fields.ts';

/** Encodes each type of request that a service supports. A type that is left out sends no message. */
export type RequestEncoders = {
  readonly [Type in ServiceRequest['type']]?: (
    request: Extract<ServiceRequest, { readonly type: Type }>,
  ) => readonly WireMessage[];
};

/** How a service's messages are encoded and decoded. */
export interface MessageTable {
  /** `message` is optional: see {@link appMessage}. */
  readonly requests: RequestEncoders;
  /**
   * Decodes a JSON message. Must only throw PacketError. Need not return the message itself: it follows as a `'message'` event, unless
   * it only contains audio.
   */
  readonly json: (fields: JsonFields) => readonly ServiceEvent[];
  /** Decodes a binary message. Must only throw PacketError. @default binary messages contain JSON as well */
  readonly bytes?: (bytes: Uint8Array) => readonly ServiceEvent[];
}

/** Creates a connection from the functions for its messages. Text must be JSON: a service with other text needs its own `decode`. */
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

import { PacketError } from '../../src/core/errors.ts';
import type { Service, ServiceEvent } from '../../src/core/services/service.ts';
import { serviceBase } from '../../src/core/services/shared/service-base.ts';
import { SAMPLE_RATE } from './recovery.ts';
import type { World } from './schedule.ts';

/** Bytes before the samples of an audio message: its first frame, and how many. */
export const AUDIO_HEADER_BYTES = 8;
const KEEP_ALIVE_MS = 3000;

/** A service that acknowledges nothing, as most do. Text says what it is in its first word; bytes are audio. */
export function silentService(world: World): Service {
  return {
    ...serviceBase(
      { overlapMs: world.overlapMs, replaySpeed: world.replaySpeed },
      { muteAs: world.muteAs, keepAliveMs: KEEP_ALIVE_MS, readyOnOpen: world.readyOnOpen },
    ),
    id: 'silent',
    input: { format: world.format, sampleRate: SAMPLE_RATE, channels: 1 },
    output: { format: 's16', sampleRate: SAMPLE_RATE, channels: 1 },
    encoding: 'binary',
    afterClose: (code) => (code >= 4400 && code < 4500 ? 'stop' : 'retry'),
    connect: () => ({
      encode(request) {
        switch (request.type) {
          case 'open':
            return [`open ${request.session} ${request.connections}`];
          case 'audio': {
            const { frame, frames, bytes } = request.audio;
            const message = new Uint8Array(AUDIO_HEADER_BYTES + bytes.length);
            new DataView(message.buffer).setUint32(0, frame);
            new DataView(message.buffer).setUint32(4, frames);
            message.set(bytes, AUDIO_HEADER_BYTES);
            return [message];
          }
          case 'commit':
            return [`commit ${request.frame}`];
          case 'interrupted':
            return [`interrupted ${JSON.stringify(request.heard)}`];
          case 'played':
            return [`played ${JSON.stringify(request)}`];
          case 'mute':
            return [`mute ${request.muted}`];
          case 'mark':
          case 'clear':
            return [request.type];
          case 'keep-alive':
            return ['alive'];
          case 'message':
            return [`message ${Number(request.value)}`];
          case 'end':
            return ['end'];
        }
      },
      decode: eventsOf,
    }),
  };
}

/** Bytes are audio of the item that their first byte counts. */
function eventsOf(message: string | Uint8Array): readonly ServiceEvent[] {
  if (typeof message !== 'string') {
    if (message.length % 2 === 0) throw new PacketError('truncated', 'half a sample.');
    return [{ type: 'audio', item: `item-${message[0]!}`, bytes: message.subarray(1) }];
  }
  const [word, item = '', name = '', frame = '0'] = message.split(' ');
  switch (word) {
    case 'ready':
    case 'interrupted':
      return [{ type: word }];
    case 'item-end':
      return [{ type: 'item-end', item }];
    case 'mark':
      return [{ type: 'mark', item, name, frame: Number(frame) }];
    case 'message':
      return [{ type: 'message', value: Number(item) }];
    default:
      throw new PacketError('unknown-type', `${message.slice(0, 20)} says nothing.`);
  }
}

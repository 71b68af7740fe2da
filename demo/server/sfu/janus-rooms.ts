import type { JanusClient, JanusHandle } from './janus-client.ts';
import { ROOM } from './janus-process.ts';

/** `mix`: everyone hears the sum of all (AudioBridge). `room`: each publisher is forwarded as it is (VideoRoom). */
export const ROOM_NAMES = ['mix', 'room'] as const;
export type RoomName = (typeof ROOM_NAMES)[number];

/** A client in a room. */
export interface RoomPeer {
  readonly handle: JanusHandle;
  /** The answer to the client's offer, or with `takeAnswer` an offer. */
  readonly sdp: string;
  /** Number of the publisher in the room `room`; null for others. */
  readonly feed: number | null;
  /** Takes the client's answer; null where the client has made the offer. */
  readonly takeAnswer: ((sdp: string) => Promise<void>) | null;
  /** Takes another offer of the same client, with other names for ICE, and answers it; null where Janus has made the offer. */
  readonly renegotiate: ((sdp: string) => Promise<string>) | null;
}

/** Brings a client into the mix. @param isMuted whether it only listens. @throws JanusError */
export async function joinMix(
  client: JanusClient,
  gone: () => void,
  offer: string,
  isMuted: boolean,
): Promise<RoomPeer> {
  const handle = await client.attach('audiobridge', gone);
  return joined(handle, async () => {
    await handle.request({ request: 'join', room: ROOM, muted: isMuted, codec: 'opus' });
    const configure = async (sdp: string, more: object): Promise<string> =>
      (
        await handle.request(
          { request: 'configure', muted: isMuted, ...more },
          { type: 'offer', sdp },
        )
      ).sdp;
    return {
      handle,
      sdp: await configure(offer, {}),
      feed: null,
      takeAnswer: null,
      renegotiate: (sdp) => configure(sdp, { update: true }),
    };
  });
}

/** Publishes in the forwarding room. @throws JanusError */
export async function publishInRoom(
  client: JanusClient,
  gone: () => void,
  offer: string,
): Promise<RoomPeer> {
  const handle = await client.attach('videoroom', gone);
  return joined(handle, async () => {
    const codec = { audiocodec: 'opus' };
    const join = { request: 'joinandconfigure', ptype: 'publisher', room: ROOM, ...codec };
    const { data, sdp } = await handle.request(join, { type: 'offer', sdp: offer });
    return {
      handle,
      sdp,
      feed: Number(data['id']),
      takeAnswer: null,
      renegotiate: async (again) =>
        (await handle.request({ request: 'configure', ...codec }, { type: 'offer', sdp: again }))
          .sdp,
    };
  });
}

/** Listens to one publisher of the forwarding room: there Janus makes the offer. @throws JanusError */
export async function listenInRoom(
  client: JanusClient,
  gone: () => void,
  feed: number,
): Promise<RoomPeer> {
  const handle = await client.attach('videoroom', gone);
  return joined(handle, async () => {
    const join = { request: 'join', ptype: 'subscriber', room: ROOM, streams: [{ feed }] };
    const { sdp } = await handle.request(join);
    return {
      handle,
      sdp,
      feed: null,
      takeAnswer: async (answer) => {
        await handle.request({ request: 'start' }, { type: 'answer', sdp: answer });
      },
      renegotiate: null,
    };
  });
}

/** Sends a publisher's audio to a port of this machine as plain RTP. @throws JanusError */
export async function forwardRtp(
  peer: RoomPeer,
  adminKey: string,
  offer: string,
  to: { readonly port: number; readonly payloadType: number },
): Promise<void> {
  const mid = /^a=mid:(\S+)/m.exec(offer)?.[1] ?? '0';
  const host = '127.0.0.1';
  await peer.handle.request({
    request: 'rtp_forward',
    room: ROOM,
    publisher_id: peer.feed,
    host,
    host_family: 'ipv4',
    admin_key: adminKey,
    streams: [{ mid, host, port: to.port, pt: to.payloadType }],
  });
}

async function joined(handle: JanusHandle, join: () => Promise<RoomPeer>): Promise<RoomPeer> {
  try {
    return await join();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

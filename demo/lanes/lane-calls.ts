import { Call } from 'micwire';
import type { CallOptions } from 'micwire';
import type { LaneId } from './lane-ids.ts';
import type { CallEnds, LinkAccess } from './lane.ts';

/**
 * Makes the two calls of a lane, both in this page, not connected yet: data channels are added before.
 * @throws what `Call` throws
 */
export async function openCalls(
  lane: LaneId,
  link: LinkAccess,
  options: CallEnds<CallOptions>,
): Promise<CallEnds<Call>> {
  const signalling = await link.openSignalling(lane);
  let sender: Call | null = null;
  try {
    sender = Call.create(signalling.sender, options.sender);
    return { sender, receiver: Call.create(signalling.receiver, options.receiver) };
  } catch (error) {
    void sender?.close();
    void signalling.sender.close();
    void signalling.receiver.close();
    throw error;
  }
}

/** Connects both. @throws what `Call.connect` throws; both are closed then */
export async function connectCalls({ sender, receiver }: CallEnds<Call>): Promise<void> {
  try {
    await Promise.all([sender.connect(), receiver.connect()]);
  } catch (error) {
    void sender.close();
    void receiver.close();
    throw error;
  }
}

/** Why there can be no call in this browser; null where there can. */
export function missingCalls(): string | null {
  return 'RTCPeerConnection' in globalThis ? null : 'This browser has no WebRTC.';
}

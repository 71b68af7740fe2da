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
    sender = new Call(signalling.sender, options.sender);
    return { sender, receiver: new Call(signalling.receiver, options.receiver) };
  } catch (error) {
    sender?.close();
    signalling.sender.close();
    signalling.receiver.close();
    throw error;
  }
}

/** Connects both. @throws what `Call.connect` throws; both are closed then */
export async function connectCalls({ sender, receiver }: CallEnds<Call>): Promise<void> {
  try {
    await Promise.all([sender.connect(), receiver.connect()]);
  } catch (error) {
    sender.close();
    receiver.close();
    throw error;
  }
}

/** Why there can be no call in this browser; null where there can. */
export function missingCalls(): string | null {
  return 'RTCPeerConnection' in globalThis ? null : 'This browser has no WebRTC.';
}

import { Call, DataChannelTransport } from 'micwire';
import type { CallOptions } from 'micwire';
import { isRtcp } from 'micwire/rtp';
import { connectCall } from './connect-call.ts';
import type { LaneId } from './lane-ids.ts';
import type { CallEnds, LinkAccess } from './lane.ts';

/**
 * Makes the two calls of a lane, both in this page and not yet connected: data channels are added first.
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

/** Connects both. @throws what `connectCall` throws; both are closed then */
export async function connectCalls({ sender, receiver }: CallEnds<Call>): Promise<void> {
  try {
    await Promise.all([connectCall(sender), connectCall(receiver)]);
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

/** Carries messages between a data channel's two ends and a Worker, where the engine cannot give the Worker the channel. */
export class RelayedChannels {
  /** The Worker's: messages to send go in, those that arrive and changes of state come out. */
  readonly port: MessagePort;
  readonly #sender: DataChannelTransport;
  readonly #receiver: DataChannelTransport;

  constructor(channels: CallEnds<RTCDataChannel>) {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    this.#sender = DataChannelTransport.create(channels.sender);
    this.#receiver = DataChannelTransport.create(channels.receiver);
    const sender = this.#sender;
    sender.addEventListener('statechange', () => port1.postMessage(sender.status));
    for (const end of [this.#sender, this.#receiver]) {
      end.addEventListener('message', ({ data: message }) => port1.postMessage(message));
    }
    // Audio goes from the sender's end to the other, and its receiver's reports back.
    port1.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) =>
      (isRtcp(data) ? this.#receiver : this.#sender).send(data);
  }

  close(): void {
    void this.#sender.close();
    void this.#receiver.close();
  }
}

import { DataChannelTransport } from 'micwire';
import { isRtcp } from 'micwire/core';
import type { CallEnds } from './lane.ts';

/** Carries messages between a data channel's two ends and a Worker, where the engine cannot give the Worker the channel. */
export class RelayedChannels {
  /** The Worker's: messages to send go in, those that arrive and changes of state come out. */
  readonly port: MessagePort;
  private readonly sender: DataChannelTransport;
  private readonly receiver: DataChannelTransport;

  constructor(channels: CallEnds<RTCDataChannel>) {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    this.sender = DataChannelTransport.create(channels.sender);
    this.receiver = DataChannelTransport.create(channels.receiver);
    const { sender } = this;
    sender.addEventListener('statechange', () => port1.postMessage(sender.status));
    for (const end of [this.sender, this.receiver]) {
      end.addEventListener('message', ({ data: message }) => port1.postMessage(message));
    }
    // Sound goes from the sender's end to the other, and its receiver's reports back.
    port1.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) =>
      (isRtcp(data) ? this.receiver : this.sender).send(data);
  }

  close(): void {
    void this.sender.close();
    void this.receiver.close();
  }
}

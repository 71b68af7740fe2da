import { DataChannelTransport } from 'micwire';
import type { CallEnds } from './link-access.ts';

/** Carries messages between a data channel's two ends and a Worker, where the engine cannot give the Worker the channel. */
export class RelayedChannels {
  /** The Worker's: messages to send go in, those that arrive and changes of state come out. */
  readonly port: MessagePort;
  private readonly sender: DataChannelTransport;
  private readonly receiver: DataChannelTransport;

  constructor(channels: CallEnds<RTCDataChannel>) {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    this.sender = new DataChannelTransport(channels.sender);
    this.receiver = new DataChannelTransport(channels.receiver);
    this.sender.onstatechange = (status) => port1.postMessage(status);
    this.receiver.onmessage = (message) => port1.postMessage(message);
    port1.onmessage = ({ data }: MessageEvent<Uint8Array>) => this.sender.send(data);
  }

  close(): void {
    this.sender.close();
    this.receiver.close();
  }
}
